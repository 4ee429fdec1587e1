use std::{
    fmt::Display,
    path::Path,
    process::{Command, Stdio},
};

/// A disk in memory, of which only one program and its children know.
#[derive(Clone, Debug)]
pub struct SmallDisk {
    options: String,
}

impl SmallDisk {
    /// One with room for so many megabytes.
    #[must_use]
    pub fn of_megabytes(megabytes: u32) -> Self {
        Self { options: format!("size={megabytes}m,mode=700") }
    }

    /// The same, with room for so many files and directories at the most, itself among them.
    #[must_use]
    pub fn and_files(mut self, files: u32) -> Self {
        self.options.push_str(&format!(",nr_inodes={files}"));
        self
    }

    /// A `sh` script that goes on as `program` (quoted for the shell), with the arguments of the script, where the directory
    /// that the variable `small` names is such a disk. There it is root, as far as it can see.
    #[must_use]
    pub fn script(&self, program: impl Display) -> String {
        let options = &self.options;
        format!(
            "exec unshare -Urm sh -c 'mount -t tmpfs -o {options} small \"$small\" && exec {program} \"$@\"' sh \"$@\"\n"
        )
    }

    /// This command, for a program that finds such a disk in the directory, which has to be there.
    #[must_use]
    pub fn at(&self, directory: &Path, command: &Command) -> Command {
        let mut mounted = Command::new("sh");
        // The program is an argument like the others, whatever its path holds.
        mounted.args(["-c", &self.script(""), "sh"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => mounted.env(name, value),
                None => mounted.env_remove(name),
            };
        }
        if let Some(current) = command.get_current_dir() {
            mounted.current_dir(current);
        }
        mounted.env("small", directory);
        mounted
    }
}

/// Whether there can be such a disk here.
///
/// # Errors
///
/// Why there can be none, as `unshare` or `mount` says it: a container may forbid name spaces.
pub fn available() -> Result<(), String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut tried = SmallDisk::of_megabytes(1).at(directory.path(), &Command::new("true"));
    let output = tried.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

    use super::*;
    use crate::leave_out;

    /// What a shell in it says, and whether all went well there.
    fn said_in(disk: &SmallDisk, says: &str) -> Option<(bool, String)> {
        if let Err(why) = available() {
            leave_out("a disk of a few megabytes (`small-disk`)", &why);
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", says]).env("where", directory.path());
        let output = disk.at(directory.path(), &shell).output().unwrap();
        let is_clean = std::fs::read_dir(directory.path()).unwrap().next().is_none();
        assert!(is_clean, "it is seen from outside");
        Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    #[test]
    fn it_is_full_when_it_is_full() {
        let fills = "dd if=/dev/zero of=\"$where/a\" bs=1M count=3";
        if let Some((is_well, said)) = said_in(&SmallDisk::of_megabytes(4), fills) {
            assert!(is_well, "{said}");
        }
        if let Some((is_well, said)) = said_in(&SmallDisk::of_megabytes(2), fills) {
            assert!(!is_well && said.contains("No space"), "{said}");
        }
    }

    #[test]
    fn it_has_room_for_so_many_files() {
        let disk = SmallDisk::of_megabytes(4).and_files(3);
        if let Some((is_well, said)) = said_in(&disk, "cd \"$where\" && touch a b && ! touch c") {
            assert!(is_well, "{said}");
        }
    }
}
