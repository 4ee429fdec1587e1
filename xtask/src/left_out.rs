//! Which tests were left out in a run: what a test prints is not shown when it passes, so it writes that into a list.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::Context;

/// Where a test finds the list, which it adds a line to.
pub(crate) const VARIABLE: &str = "EVENTSTORE_TEST_LEFT_OUT";

/// The list of one run. Another run beside it has its own. It goes with this.
pub(crate) struct LeftOut {
    list: PathBuf,
}

impl LeftOut {
    /// An empty one in this folder, which is made if it is not there.
    pub(crate) fn begin(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        // One that was killed has left its list, and containers that share a folder have the same numbers.
        for number in 0..u32::MAX {
            let list = folder.join(format!("xtask-left-out-{}-{number}", process::id()));
            match File::create_new(&list) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => {
                    made.with_context(|| format!("making {}", list.display()))?;
                    return Ok(Self { list });
                }
            }
        }
        anyhow::bail!("{} is full of lists of tests that were left out", folder.display())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.list
    }

    /// What the tests have written.
    pub(crate) fn read(&self) -> anyhow::Result<String> {
        let list = &self.list;
        fs::read_to_string(list)
            .with_context(|| format!("reading in {} which tests were left out", list.display()))
    }
}

impl Drop for LeftOut {
    fn drop(&mut self) {
        // One that stays is a small file beside a build.
        let _ = fs::remove_file(&self.list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_beside_another_leaves_its_list_alone() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        let one = LeftOut::begin(&target).unwrap();
        fs::write(one.path(), "a test\n").unwrap();
        let another = LeftOut::begin(&target).unwrap();
        assert_eq!((one.read().unwrap().as_str(), another.read().unwrap().as_str()), ("a test\n", ""));
        drop(another);
        assert_eq!(one.read().unwrap(), "a test\n");
        drop(one);
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
    }

    #[test]
    fn a_list_that_is_gone_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let list = LeftOut::begin(folder.path()).unwrap();
        fs::remove_file(list.path()).unwrap();
        assert!(list.read().unwrap_err().to_string().contains("which tests were left out"));
    }
}
