//! Where the data of a server comes from: nothing, or another server.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use crate::address::SUPERUSER;
use crate::error::ClusterError;
use crate::home::Home;
use crate::programs::{Programs, output_of};

/// The first that the system has: text is UTF-8 in both, and compared by its bytes.
const LOCALES: [&str; 2] = ["C.UTF-8", "C"];

/// An empty cluster, with `settings` at the end of its `postgresql.conf`.
///
/// What belongs to the place, as the port, is no part of it: a replica has a copy of all that is here.
pub(crate) fn create(
    programs: &Programs,
    home: &Home,
    password: Option<&str>,
    settings: &[(String, String)],
) -> Result<(), ClusterError> {
    let [preferred, other] = LOCALES;
    match initdb(programs, home, password, preferred) {
        Err(ClusterError::Failed { said, .. }) if said.contains("locale") => {
            initdb(programs, home, password, other)?;
        }
        outcome => outcome?,
    }
    let lines: String =
        settings.iter().map(|(name, value)| format!("{name} = {}\n", quoted(value))).collect();
    append(&home.data().join("postgresql.conf"), &lines)
}

/// A copy of the server at `primary` that follows it under `name`.
pub(crate) fn copy(programs: &Programs, home: &Home, primary: &str, name: &str) -> Result<(), ClusterError> {
    let source = format!("{primary}?application_name={}", crate::address::encoded(name.as_bytes()));
    let mut command = programs.command("pg_basebackup", home);
    command.arg("--pgdata").arg(home.data()).args(["--dbname", &source]);
    command.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]);
    output_of("pg_basebackup", &mut command)?;
    // Promoted, it would wait for the standbys of the primary, which are not its own. The last line of a name counts.
    append(&home.data().join("postgresql.auto.conf"), "synchronous_standby_names = ''\n")
}

fn initdb(
    programs: &Programs,
    home: &Home,
    password: Option<&str>,
    locale: &str,
) -> Result<(), ClusterError> {
    let mut command = programs.command("initdb", home);
    command.arg("--pgdata").arg(home.data()).args(["--username", SUPERUSER, "--encoding=UTF8"]);
    command.args(["--locale", locale, "--auth-local=trust"]);
    // What it leaves unsynced is lost only with the machine, which is the end of this cluster anyway.
    command.arg("--no-sync");
    let Some(password) = password else {
        return output_of("initdb", command.arg("--auth-host=reject")).map(drop);
    };
    // The arguments of a process are everybody's to read; this file is in a directory that nobody else can enter.
    let file = home.path().join("password");
    fs::write(&file, password).map_err(ClusterError::file("write", &file))?;
    home.hand_over(&file).map_err(ClusterError::file("hand over", &file))?;
    output_of("initdb", command.arg("--auth-host=scram-sha-256").arg("--pwfile").arg(&file))?;
    fs::remove_file(&file).map_err(ClusterError::file("remove", &file))
}

fn append(path: &Path, text: &str) -> Result<(), ClusterError> {
    let file = OpenOptions::new().append(true).open(path);
    file.and_then(|mut it| it.write_all(text.as_bytes())).map_err(ClusterError::file("write", path))
}

/// A value as `postgresql.conf` reads it, where backslashes escape too.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted() {
        assert_eq!(quoted(r"it's a \ path"), r"'it''s a \\ path'");
    }
}
