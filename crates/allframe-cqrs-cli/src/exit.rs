//! How the program ends, in one place: for the help, the man page and the code itself.

use std::process::ExitCode;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Failed,
    NotBegun,
    Conflict,
    /// As shells say it of whatever a signal has ended: 128 and its number.
    HungUp,
    Interrupted,
    Terminated,
}

impl Exit {
    pub(crate) const ALL: [Self; 7] = [
        Self::Done,
        Self::Failed,
        Self::NotBegun,
        Self::Conflict,
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
    ];

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::NotBegun => 2,
            Self::Conflict => 3,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// Whether it was no end of its own.
    pub(crate) const fn is_by_a_signal(self) -> bool {
        matches!(self, Self::HungUp | Self::Interrupted | Self::Terminated)
    }

    /// In one word, for programs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::NotBegun => "not_begun",
            Self::Conflict => "conflict",
            Self::HungUp => "hung_up",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }

    /// What it means, for people.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Done => {
                "done; verify: the store is sound; schemas check: they fit. Output that nobody reads to its end is no failure"
            }
            Self::Failed => {
                "failed on the way, or there is nothing of the name; verify: the store is damaged; migrate: the stores \
                 are not the same, or the old one has gone on; schemas check: they do not fit"
            }
            Self::NotBegun => {
                "wrong usage, or the store or a file cannot be opened; verify: the store could not be checked; export, migrate: it is to be \
                 recovered first"
            }
            Self::Conflict => {
                "the store is not as it was expected to be: append, of a stream that is at another version; migrate, to a store \
                 that holds something else, or from one that has no beginning (what had arrived stays); sagas, of one that is not \
                 where this can be done; bench, of a store that holds events"
            }
            Self::HungUp => {
                "ended by SIGHUP, as when its terminal is closed; import, and what takes something away, then hears it on Linux \
                 alone"
            }
            Self::Interrupted => {
                "ended by Ctrl-C (SIGINT), wherever it was; import behind the lines that are being stored, and migrate --follow \
                 by the second one alone"
            }
            Self::Terminated => "ended so by SIGTERM",
        }
    }

    /// All of them, as the help shows them.
    pub(crate) fn help() -> String {
        let lines = Self::ALL.map(|exit| format!("  {}  {}\n", exit.code(), exit.meaning()));
        format!("Exit codes:\n{}", lines.concat().trim_end())
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_of_each_code_what_the_program_says() {
        let page = include_str!("../../../docs/eventstore-tool.md");
        for exit in Exit::ALL {
            let row = format!("| {} | {} |", exit.code(), exit.meaning());
            assert!(page.contains(&row), "docs/eventstore-tool.md lacks: {row}");
        }
    }
}
