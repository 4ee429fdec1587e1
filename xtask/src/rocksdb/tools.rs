//! What compiles RocksDB: a C++ compiler, and libclang, with which bindgen reads its headers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::apt;
use crate::doctor;
use crate::libclang;
use crate::process::Process;

/// Debian's names of both.
const PACKAGES: &[&str] = &["g++", "libclang-dev"];
/// That of libclang.
const FOR_BINDINGS: &[&str] = &["libclang-dev"];

/// Whether RocksDB can be compiled here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tools {
    Ready,
    /// What is missing, and the line that installs it.
    Missing(String),
}

impl Tools {
    /// Looks for them, and installs them before where that can be done.
    ///
    /// # Errors
    ///
    /// When an installation was tried and failed.
    pub(crate) fn prepare() -> anyhow::Result<Self> {
        Self::prepared(|| Self::of(compiler().is_some(), libclang::find().as_deref()), PACKAGES)
    }

    /// The same for what is only checked: libclang is enough for that. All else is checked without it, so where it could not be
    /// installed, it is missing.
    pub(crate) fn prepare_bindings() -> Self {
        Self::prepared(|| Self::of(true, libclang::find().as_deref()), FOR_BINDINGS)
            .unwrap_or_else(|error| Self::Missing(format!("{error:#}")))
    }

    fn prepared(found: impl Fn() -> Self, packages: &[&str]) -> anyhow::Result<Self> {
        match found() {
            Self::Missing(_) if where_it_should_be().is_empty() && apt::may_install() => {
                apt::install("what compiles RocksDB", packages)?;
                Ok(found())
            }
            found => Ok(found),
        }
    }

    /// For those who cannot do without.
    pub(crate) fn require() -> anyhow::Result<()> {
        match Self::prepare()? {
            Self::Ready => Ok(()),
            Self::Missing(what) => bail!("RocksDB cannot be compiled here: {what}"),
        }
    }

    fn of(has_compiler: bool, libclang: Option<&Path>) -> Self {
        let mut missing = Vec::new();
        if !has_compiler {
            missing.push(format!("a C++ compiler is missing: {}", doctor::CPP));
        }
        if libclang.is_none() {
            missing.push(format!("libclang is missing{}: {}", where_it_should_be(), doctor::LIBCLANG));
        }
        if missing.is_empty() { Self::Ready } else { Self::Missing(missing.join("; ")) }
    }
}

/// Who names a wrong place finds nothing, whatever is installed.
fn where_it_should_be() -> String {
    let place = std::env::var_os(libclang::VARIABLE);
    place.map_or_else(String::new, |it| format!(" where {} says, {}", libclang::VARIABLE, it.display()))
}

/// What the C++ compiler says of itself.
pub(crate) fn compiler() -> Option<String> {
    // The build tools of Visual Studio, without which Rust links nothing either, are not on the path.
    if cfg!(all(windows, target_env = "msvc")) {
        return Some("that of Visual Studio".to_owned());
    }
    says(std::env::var_os("CXX").filter(|it| !it.is_empty()).unwrap_or_else(|| "c++".into()))
}

fn says(compiler: OsString) -> Option<String> {
    let answer = Process::at(&PathBuf::from(compiler), "c++", ["--version"]).read().ok()?;
    Some(answer.lines().next().unwrap_or_default().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_line_that_installs_it() {
        let Tools::Missing(both) = Tools::of(false, None) else { panic!("nothing is there") };
        assert!(both.contains(doctor::CPP) && both.contains(doctor::LIBCLANG), "{both}");
        let Tools::Missing(one) = Tools::of(true, None) else { panic!("libclang is not there") };
        assert!(one.starts_with("libclang is missing"), "{one}");
        assert_eq!(Tools::of(true, Some(Path::new("libclang.so"))), Tools::Ready);
    }

    #[test]
    fn a_compiler_that_does_not_start_is_none() {
        assert_eq!(says("no-such-compiler-anywhere".into()), None);
    }
}
