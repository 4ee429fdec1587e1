//! The programs of PostgreSQL on this machine.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::ClusterError;
use crate::home::Home;

/// All that are used. `postgres` comes first: where even that one is missing, it is the one to name.
const NEEDED: &[&str] = &["postgres", "initdb", "pg_basebackup", "psql"];

/// Where Debian and its children keep each major version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The directory that holds the programs of one PostgreSQL.
#[derive(Clone, Debug)]
pub struct Programs {
    directory: PathBuf,
}

impl Programs {
    /// The line that installs them.
    pub const INSTALL: &str = if cfg!(target_os = "macos") {
        "brew install postgresql"
    } else {
        "apt-get install --yes postgresql"
    };

    /// Those of `pg_config --bindir`, else of the newest `/usr/lib/postgresql/*/bin`, else of `PATH`: the first
    /// directory that has all of them.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Missing`] where there is none.
    pub fn find() -> Result<Self, ClusterError> {
        let mut directories: Vec<PathBuf> = configured().into_iter().collect();
        directories.extend(newest_first(Path::new(VERSIONS)));
        directories.extend(on_path(&env::var_os("PATH").unwrap_or_default()));
        Self::first_of(directories)
    }

    /// Those of this directory and no other.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Missing`] where one is not there.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Result<Self, ClusterError> {
        Self::first_of(vec![directory.into()])
    }

    /// Where they are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What `postgres --version` says.
    ///
    /// # Errors
    ///
    /// [`ClusterError::CouldNotRun`] and [`ClusterError::Failed`], where the program is not what it is called.
    pub fn version(&self) -> Result<String, ClusterError> {
        output_of("postgres", Command::new(self.directory.join("postgres")).arg("--version"))
    }

    /// The directory that lacks the least names what is missing: a half installed PostgreSQL is one program short.
    fn first_of(directories: Vec<PathBuf>) -> Result<Self, ClusterError> {
        let lacks = |directory: &PathBuf| NEEDED.iter().position(|it| !directory.join(it).is_file());
        if let Some(complete) = directories.iter().find(|it| lacks(it).is_none()) {
            return Ok(Self { directory: complete.clone() });
        }
        let missing = directories.iter().filter_map(lacks).max().and_then(|it| NEEDED.get(it));
        Err(ClusterError::Missing { program: missing.unwrap_or(&"postgres"), searched: directories })
    }

    /// A command that runs as the user of the server, and heeds nothing that the environment says of other servers.
    pub(crate) fn command(&self, program: &str, home: &Home) -> Command {
        let mut command = Command::new(self.directory.join(program));
        for (name, _) in env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        // `LC_ALL`, so that what it says is in one language on every machine.
        command.env("LC_ALL", "C").env("HOME", home.path()).current_dir(home.path()).stdin(Stdio::null());
        if let Some(account) = home.account() {
            command.uid(account.user).gid(account.group);
        }
        command
    }

    /// The rows that `sql` returns at `url`.
    pub(crate) fn psql(&self, home: &Home, url: &str, sql: &str) -> Result<String, ClusterError> {
        let mut command = self.command("psql", home);
        command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]);
        output_of("psql", &mut command)
    }
}

/// Runs a program to its end; what it wrote, without the last line break.
pub(crate) fn output_of(program: &'static str, command: &mut Command) -> Result<String, ClusterError> {
    let output = command.output().map_err(ClusterError::could_not_run(program))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(ClusterError::Failed { program, status: output.status, said });
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

fn configured() -> Option<PathBuf> {
    let directory = output_of("pg_config", Command::new("pg_config").arg("--bindir")).ok()?;
    Some(PathBuf::from(directory))
}

fn newest_first(versions: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(versions).into_iter().flatten().flatten();
    let mut numbered: Vec<(u32, PathBuf)> = entries
        .filter_map(|it| Some((it.file_name().to_str()?.parse().ok()?, it.path().join("bin"))))
        .collect();
    numbered.sort_by(|one, other| other.cmp(one));
    numbered.into_iter().map(|(_, directory)| directory).collect()
}

/// Links are followed: a `postgres` that is linked into `PATH` has the other programs beside where it really is.
fn on_path(path: &OsStr) -> Vec<PathBuf> {
    env::split_paths(path)
        .filter_map(|it| Some(it.join("postgres").canonicalize().ok()?.parent()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_the_highest_number() {
        let versions = tempfile::tempdir().unwrap();
        for name in ["9", "15", "7", "no-version"] {
            fs::create_dir(versions.path().join(name)).unwrap();
        }
        let expected = ["15", "9", "7"].map(|it| versions.path().join(it).join("bin"));
        assert_eq!(newest_first(versions.path()), expected);
    }

    #[test]
    fn a_link_in_the_path_leads_to_the_other_programs() {
        let root = tempfile::tempdir().unwrap();
        let (real, linked) = (root.path().join("real"), root.path().join("linked"));
        fs::create_dir(&real).unwrap();
        fs::create_dir(&linked).unwrap();
        fs::write(real.join("postgres"), "").unwrap();
        std::os::unix::fs::symlink(real.join("postgres"), linked.join("postgres")).unwrap();
        assert_eq!(on_path(linked.as_os_str()), [real.canonicalize().unwrap()]);
    }

    #[test]
    fn a_half_installed_postgresql_is_passed_over_and_says_what_it_lacks() {
        let root = tempfile::tempdir().unwrap();
        let (half, none) = (root.path().join("half"), root.path().join("none"));
        fs::create_dir(&half).unwrap();
        fs::write(half.join("postgres"), "").unwrap();
        let error = Programs::first_of(vec![none.clone(), half.clone()]).unwrap_err();
        assert!(matches!(error, ClusterError::Missing { program: "initdb", .. }), "{error}");

        for program in NEEDED {
            fs::write(half.join(program), "").unwrap();
        }
        assert_eq!(Programs::first_of(vec![none, half.clone()]).unwrap().directory(), half);
    }
}
