//! The user that a server runs as where we are root.

use std::fs;
use std::path::Path;

use crate::error::ClusterError;

/// A user without privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

/// In the order of preference.
const NAMES: &[&str] = &["postgres", "nobody"];
const PASSWD: &str = "/etc/passwd";

impl Account {
    /// The one to use on this machine.
    pub(crate) fn unprivileged() -> Result<Self, ClusterError> {
        let passwd = fs::read(PASSWD).map_err(ClusterError::file("read", Path::new(PASSWD)))?;
        Self::listed_in(&String::from_utf8_lossy(&passwd)).ok_or(ClusterError::NoAccount)
    }

    fn listed_in(passwd: &str) -> Option<Self> {
        NAMES.iter().find_map(|name| passwd.lines().find_map(|line| Self::of_line(line, name)))
    }

    /// `name:password:user:group:...`, see passwd(5).
    fn of_line(line: &str, name: &str) -> Option<Self> {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some(Self { user, group })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "root:x:0:0::/:/bin/sh\n";
    const NOBODY: &str = "nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";
    const POSTGRES: &str = "postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash\n";

    #[test]
    fn the_user_of_postgresql_comes_before_nobody() {
        let account = Account::listed_in(&[ROOT, NOBODY, POSTGRES].concat());
        assert_eq!(account, Some(Account { user: 101, group: 104 }));
    }

    #[test]
    fn nobody_serves_where_there_is_no_other() {
        let account = Account::listed_in(&[ROOT, NOBODY].concat());
        assert_eq!(account, Some(Account { user: 65534, group: 65533 }));
    }

    #[test]
    fn root_is_never_taken() {
        assert_eq!(Account::listed_in(ROOT), None);
    }
}
