//! A Python of our own with the libraries that tests read our files with, in a virtual environment beside the build.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::alone::Alone;
use crate::process::Process;

/// How tests are told of it.
pub(crate) const VARIABLE: &str = "EVENTSTORE_TEST_PYTHON";

/// What is installed. DuckDB gives out times with a zone through `pytz`.
const PACKAGES: &[&str] = &["pyarrow==26.0.1", "duckdb==2.0.0", "pytz==2026.6"];

/// The interpreter, made if there is none; or why there is none. `target` is where cargo puts what it builds.
pub(crate) fn prepare(target: &Path) -> Result<PathBuf, String> {
    complete_in(target, install).map_err(|error| format!("{error:#}"))
}

/// The interpreter of what is complete, or of what is made now. Another run beside this one waits for it meanwhile, and then finds it: to
/// make it once more would take it away from the tests of the first.
fn complete_in(target: &Path, make: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<PathBuf> {
    let directory = target.join("xtask-python");
    let _alone = Alone::at(&target.join("xtask-python.lock"))?;
    let python = interpreter(&directory);
    let wanted = PACKAGES.join("\n");
    // Written last, so that what has it is complete.
    let list = directory.join("installed");
    if !fs::read_to_string(&list).is_ok_and(|installed| installed == wanted) || !python.is_file() {
        make(&directory)?;
        fs::write(&list, &wanted).with_context(|| format!("writing {}", list.display()))?;
    }
    Ok(python)
}

fn install(directory: &Path) -> anyhow::Result<()> {
    let path = directory.to_str().context("the target directory is no text")?;
    Process::new("python3", ["-m", "venv", "--clear", path]).run()?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    Process::at(&interpreter(directory), "python", pip).arguments(PACKAGES).run()
}

fn interpreter(directory: &Path) -> PathBuf {
    if cfg!(windows) {
        directory.join("Scripts").join("python.exe")
    } else {
        directory.join("bin").join("python")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use anyhow::bail;

    use super::*;

    fn made(directory: &Path) -> anyhow::Result<()> {
        let python = interpreter(directory);
        fs::create_dir_all(python.parent().unwrap())?;
        Ok(fs::write(python, "")?)
    }

    #[test]
    fn of_two_at_once_one_makes_it_and_the_other_waits() {
        let target = tempfile::tempdir().unwrap();
        let (both, times) = (Barrier::new(2), AtomicUsize::new(0));
        let one = || {
            both.wait();
            let make = |directory: &Path| {
                times.fetch_add(1, Ordering::SeqCst);
                made(directory)
            };
            complete_in(target.path(), make).unwrap()
        };
        let pythons =
            thread::scope(|scope| [scope.spawn(one), scope.spawn(one)].map(|it| it.join().unwrap()));
        assert!(pythons.iter().all(|it| it.is_file()), "{pythons:?}");
        assert_eq!(times.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn what_came_to_no_end_is_made_once_more() {
        let target = tempfile::tempdir().unwrap();
        let half = complete_in(target.path(), |directory| {
            made(directory)?;
            bail!("no network")
        });
        assert_eq!(half.unwrap_err().to_string(), "no network");
        let (times, python) = (AtomicUsize::new(0), interpreter(&target.path().join("xtask-python")));
        let make = |directory: &Path| {
            times.fetch_add(1, Ordering::SeqCst);
            made(directory)
        };
        assert_eq!(complete_in(target.path(), make).unwrap(), python);
        assert_eq!(complete_in(target.path(), |_| bail!("it is complete")).unwrap(), python);
        assert_eq!(times.load(Ordering::SeqCst), 1);
    }
}
