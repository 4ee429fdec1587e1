//! What every chore has.

use std::fmt;

/// One chore: a line in the overview, a help text, and the work.
pub(crate) struct Chore {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) help: &'static str,
    pub(crate) run: fn(&[String]) -> anyhow::Result<()>,
}

/// The command line was not understood; nothing has been done.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// For a chore that takes no arguments.
pub(crate) fn takes_no_arguments(chore: &str, arguments: &[String]) -> Result<(), Usage> {
    match arguments.first() {
        None => Ok(()),
        Some(argument) => {
            Err(Usage(format!("`cargo xtask {chore}` takes no arguments, and was given `{argument}`")))
        }
    }
}
