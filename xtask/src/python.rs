//! A Python of our own with the libraries that tests read our files with, in a virtual environment beside the build.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::Process;
use crate::workspace;

/// How tests are told of it.
pub(crate) const VARIABLE: &str = "EVENTSTORE_TEST_PYTHON";

/// What is installed. DuckDB gives out times with a zone through `pytz`.
const PACKAGES: &[&str] = &["pyarrow==26.0.1", "duckdb==2.0.0", "pytz==2026.6"];

/// The interpreter, made if there is none; or why there is none.
pub(crate) fn prepare() -> Result<PathBuf, String> {
    let directory = workspace::target_directory().map_err(|error| error.to_string())?.join("xtask-python");
    let python = interpreter(&directory);
    let wanted = PACKAGES.join("\n");
    let list = directory.join("installed");
    if fs::read_to_string(&list).is_ok_and(|installed| installed == wanted) && python.is_file() {
        return Ok(python);
    }
    let path = directory.to_str().ok_or("the target directory is no text")?;
    let install = || -> anyhow::Result<()> {
        Process::new("python3", ["-m", "venv", "--clear", path]).run()?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        Process::at(&python, "python", pip).arguments(PACKAGES).run()?;
        Ok(fs::write(&list, &wanted)?)
    };
    install().map(|()| python).map_err(|error| format!("{error:#}"))
}

fn interpreter(directory: &Path) -> PathBuf {
    if cfg!(windows) {
        directory.join("Scripts").join("python.exe")
    } else {
        directory.join("bin").join("python")
    }
}
