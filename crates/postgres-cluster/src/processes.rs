//! The processes of the system: who belongs to whom, and signals to them.

use std::process::{Command, Stdio};

use crate::error::ClusterError;

/// One process, as it was when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) id: u32,
    parent: u32,
    /// The letter of proc(5) and ps(1): `T` for stopped, `Z` for dead and not asked about yet.
    state: char,
}

impl Process {
    pub(crate) fn is_stopped(&self) -> bool {
        self.state == 'T'
    }

    pub(crate) fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// Every process that there is. Not by `ps`, which small images do not have.
#[cfg(target_os = "linux")]
pub(crate) fn all() -> Result<Vec<Process>, ClusterError> {
    use std::fs;
    use std::path::Path;

    let entries = fs::read_dir("/proc").map_err(ClusterError::file("read", Path::new("/proc")))?;
    // One that is gone since it was listed has no line.
    let lines = entries.flatten().filter_map(|it| fs::read_to_string(it.path().join("stat")).ok());
    Ok(lines.filter_map(|it| of_stat(&it)).collect())
}

/// Every process that there is.
#[cfg(not(target_os = "linux"))]
pub(crate) fn all() -> Result<Vec<Process>, ClusterError> {
    let table = crate::programs::output_of("ps", Command::new("ps").args(["-A", "-o", "pid=,stat=,ppid="]))?;
    Ok(table.lines().filter_map(of_fields).collect())
}

/// `id (name) state parent ...`, see proc(5). The name may hold anything, so it ends at the last parenthesis.
#[cfg(target_os = "linux")]
fn of_stat(line: &str) -> Option<Process> {
    let (id, rest) = line.split_once(' ')?;
    let (_, rest) = rest.rsplit_once(')')?;
    of_fields(&format!("{id} {rest}"))
}

/// `id state parent`
fn of_fields(line: &str) -> Option<Process> {
    let mut fields = line.split_whitespace();
    let id = fields.next()?.parse().ok()?;
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    Some(Process { id, parent, state })
}

/// The children of `ancestor`, and theirs: an archiver starts programs too.
pub(crate) fn descendants(ancestor: u32, all: &[Process]) -> Vec<u32> {
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(
            all.iter()
                .filter(|it| it.parent == parent && !found.contains(&it.id))
                .map(|it| it.id)
                .collect::<Vec<_>>(),
        );
        next += 1;
    }
    found.split_off(1)
}

/// Sends a signal to each of `ids`; to those that are gone, nothing happens.
///
/// By the shell, which has `kill` built in: the standard library knows no signal but one, and small images no program.
pub(crate) fn signal(name: &str, ids: &[u32]) -> Result<(), ClusterError> {
    let mut command = Command::new("sh");
    command.args(["-c", r#"kill -s "$@""#, "kill", name]).args(ids.iter().map(u32::to_string));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().map(drop).map_err(ClusterError::could_not_run("sh"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_not_confuse_the_fields() {
        let process = Process { id: 7, parent: 3, state: 'S' };
        assert_eq!(of_fields("7 Ss 3"), Some(process));
        #[cfg(target_os = "linux")]
        assert_eq!(of_stat("7 (a) R 9 (b) S 3 7 7 0 -1"), Some(process));
    }

    #[test]
    fn descendants_are_children_and_their_children() {
        let process = |id, parent| Process { id, parent, state: 'S' };
        let all = [process(4, 3), process(1, 0), process(3, 2), process(2, 1), process(5, 1)];
        assert_eq!(descendants(2, &all), [3, 4]);
        assert_eq!(descendants(1, &all), [2, 5, 3, 4]);
        assert!(descendants(9, &all).is_empty());
    }

    #[test]
    fn we_are_among_the_processes() {
        assert!(all().unwrap().iter().any(|it| it.id == std::process::id() && !it.is_dead()));
    }
}
