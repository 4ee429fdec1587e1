//! Where libclang is: a library, which bindgen loads to read C headers.
//!
//! Looked for as the crate clang-sys does (`build/common.rs` and `build/dynamic.rs` there), so that what is said here is what
//! a build finds.

use std::env;
use std::path::{Path, PathBuf};

use crate::process::Process;
use crate::wildcard::{directories, entries};

/// Where somebody says that it is: the file, or its directory. Then nothing else counts.
pub(crate) const VARIABLE: &str = "LIBCLANG_PATH";

/// How the library is called. Several systems have it under versions alone.
const NAMES: &[&str] = if cfg!(windows) {
    &["libclang.dll"]
} else if cfg!(target_os = "macos") {
    &["libclang.dylib"]
} else {
    &["libclang.so", "libclang-*.so", "libclang.so.*", "libclang-*.so.*"]
};

/// The part of clang for programs in C++, whose names are matched by those above.
const ANOTHER_LIBRARY: &str = "-cpp.";

/// Where systems put it, from their root.
const DIRECTORIES: &[&str] = if cfg!(windows) {
    &["Program Files*/LLVM/bin", "LLVM/bin"]
} else if cfg!(target_os = "macos") {
    &[
        "usr/local/opt/llvm*/lib",
        "opt/homebrew/opt/llvm*/lib",
        "Library/Developer/CommandLineTools/usr/lib",
        "Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib",
    ]
} else {
    &[
        "usr/local/llvm*/lib*",
        "usr/local/lib*/*/*",
        "usr/local/lib*/*",
        "usr/local/lib*",
        "usr/lib*/*/*",
        "usr/lib*/*",
        "usr/lib*",
    ]
};

/// The library, if there is one.
pub(crate) fn find() -> Option<PathBuf> {
    if let Some(place) = env::var_os(VARIABLE) {
        return at(Path::new(&place));
    }
    let root = Path::new(if cfg!(windows) { r"C:\" } else { "/" });
    named_by_llvm_config()
        .into_iter()
        .chain(named_by_the_linker())
        .find_map(|folder| in_directory(&folder))
        .or_else(|| below(root))
}

/// The library as somebody names it.
fn at(place: &Path) -> Option<PathBuf> {
    let file = place.parent().filter(|_| place.is_file());
    match file {
        Some(folder) => libraries(folder).into_iter().find(|it| it == place),
        None => in_directory(place),
    }
}

fn below(root: &Path) -> Option<PathBuf> {
    DIRECTORIES.iter().flat_map(|pattern| directories(root, pattern)).find_map(|folder| in_directory(&folder))
}

fn in_directory(folder: &Path) -> Option<PathBuf> {
    libraries(folder).into_iter().next()
}

fn libraries(folder: &Path) -> Vec<PathBuf> {
    let is_library = |path: &PathBuf| path.is_file() && !path.to_string_lossy().contains(ANOTHER_LIBRARY);
    NAMES.iter().flat_map(|name| entries(folder, name)).filter(is_library).collect()
}

fn named_by_llvm_config() -> Vec<PathBuf> {
    let program = env::var_os("LLVM_CONFIG_PATH").unwrap_or_else(|| "llvm-config".into());
    let answer = Process::at(Path::new(&program), "llvm-config", ["--prefix"]).read();
    let prefix = answer.ok().and_then(|it| it.lines().next().map(PathBuf::from));
    prefix.map_or_else(Vec::new, |prefix| ["bin", "lib", "lib64"].map(|it| prefix.join(it)).into())
}

fn named_by_the_linker() -> Vec<PathBuf> {
    let paths = ["LD_LIBRARY_PATH", "LIBRARY_PATH"].into_iter().filter_map(env::var_os);
    paths.flat_map(|it| env::split_paths(&it).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs;

    use super::*;

    /// A system with these files.
    fn system(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        root
    }

    #[test]
    fn it_is_found_where_distributions_put_it() {
        for file in [
            "usr/lib/llvm-14/lib/libclang.so",
            "usr/lib/x86_64-linux-gnu/libclang-14.so.1",
            "usr/lib64/libclang.so.19.1",
            "usr/local/lib/libclang-3.9.so",
        ] {
            let system = system(&[file]);
            assert_eq!(below(system.path()), Some(system.path().join(file)), "{file}");
        }
    }

    #[test]
    fn a_system_without_it_has_none() {
        let system =
            system(&["usr/lib/llvm-14/lib/libclang-cpp.so.14", "usr/lib/x86_64-linux-gnu/libLLVM-14.so"]);
        assert_eq!(below(system.path()), None);
    }

    #[test]
    fn somebody_may_name_the_file_or_its_directory() {
        let system = system(&["own/libclang.so", "own/other.so"]);
        let (folder, file) = (system.path().join("own"), system.path().join("own/libclang.so"));
        assert_eq!((at(&folder), at(&file)), (Some(file.clone()), Some(file)));
        assert_eq!(at(&system.path().join("own/other.so")), None);
        assert_eq!(at(&system.path().join("nowhere")), None);
    }
}
