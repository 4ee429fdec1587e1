//! The directory of one server: its data, its socket and its log.

use std::env;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::account::Account;
use crate::error::ClusterError;

/// A directory that the user of the server and root alone can enter, and that is removed with this.
#[derive(Debug)]
pub(crate) struct Home {
    directory: TempDir,
    /// Whom the server runs as, where that is not who we are.
    account: Option<Account>,
}

/// `sun_path` has 108 bytes on Linux and 104 on other systems, the last of which is zero.
const SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
const LONGEST_SOCKET: &str = "/.s.PGSQL.65535";

/// How much of a log an error shows.
const LAST_LINES: usize = 20;

impl Home {
    /// In the first place that will do.
    pub(crate) fn new() -> Result<Self, ClusterError> {
        let mut reasons = Vec::new();
        for place in [env::temp_dir(), PathBuf::from("/tmp"), PathBuf::from("/var/tmp")] {
            match Self::at(&place)? {
                Ok(home) => return Ok(home),
                Err(reason) => reasons.push(format!("{}: {reason}", place.display())),
            }
        }
        Err(ClusterError::NoPlace { reasons: reasons.join("; ") })
    }

    /// A directory in `place`, or why `place` will not do.
    fn at(place: &Path) -> Result<Result<Self, String>, ClusterError> {
        let mut new = tempfile::Builder::new();
        // Who reaches the socket is trusted.
        new.prefix("pg-").permissions(Permissions::from_mode(0o700));
        let directory = place.canonicalize().and_then(|it| new.tempdir_in(it));
        let (directory, owner) = match directory.and_then(|it| Ok((fs::metadata(&it)?.uid(), it))) {
            Ok((owner, directory)) => (directory, owner),
            Err(error) => return Ok(Err(error.to_string())),
        };
        if directory.path().as_os_str().len() + LONGEST_SOCKET.len() > SOCKET_PATH {
            return Ok(Err("its path is too long for a socket".to_owned()));
        }
        let account = if owner == 0 { Some(Account::unprivileged()?) } else { None };
        let home = Self { directory, account };
        if let Err(error) = home.hand_over(home.path()).and_then(|()| home.is_reachable()) {
            return Ok(Err(format!("the user of the server cannot enter: {error}")));
        }
        Ok(Ok(home))
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn account(&self) -> Option<Account> {
        self.account
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Written by a running server, removed by one that ends in order, left behind by one that is killed.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.path().join("log")
    }

    pub(crate) fn log(&self) -> Result<String, ClusterError> {
        let path = self.log_file();
        let bytes = fs::read(&path).map_err(ClusterError::file("read", &path))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// For an error, which has no room for all of it.
    pub(crate) fn end_of_log(&self) -> String {
        let log = self.log().unwrap_or_else(|error| error.to_string());
        let lines: Vec<&str> = log.lines().collect();
        let skipped = lines.len().saturating_sub(LAST_LINES);
        lines.into_iter().skip(skipped).collect::<Vec<_>>().join("\n")
    }

    /// Makes something that we have made the server's own.
    pub(crate) fn hand_over(&self, path: &Path) -> io::Result<()> {
        match self.account {
            Some(Account { user, group }) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    /// Enters it as the server will, which asks every directory above, whatever rules they have.
    fn is_reachable(&self) -> io::Result<()> {
        // Not by `current_dir`: nobody promises that it comes after the change of the user.
        let mut command = Command::new("sh");
        command.args(["-c", "cd \"$1\"", "sh"]).arg(self.path()).stderr(Stdio::null());
        if let Some(account) = self.account {
            command.uid(account.user).gid(account.group);
        }
        match command.status()?.success() {
            true => Ok(()),
            false => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_too_long_for_a_socket_is_passed_over() {
        let place = tempfile::tempdir().unwrap();
        let long = place.path().join("x".repeat(100));
        fs::create_dir(&long).unwrap();
        assert!(Home::at(&long).unwrap().unwrap_err().contains("too long"));
        assert_eq!(fs::read_dir(&long).unwrap().count(), 0);
    }

    #[test]
    fn a_place_that_the_user_of_the_server_cannot_enter_is_passed_over() {
        // Only who made it can enter, which matters where the server runs as somebody else.
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), Permissions::from_mode(0o700)).unwrap();
        match Home::at(place.path()).unwrap() {
            Ok(home) => assert_eq!(home.account(), None),
            Err(reason) => assert!(reason.contains("cannot enter"), "{reason}"),
        }
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_place_that_is_not_there_is_passed_over() {
        assert!(Home::at(Path::new("/no/such/place")).unwrap().is_err());
    }
}
