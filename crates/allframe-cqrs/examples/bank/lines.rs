//! How many lines each style takes to check its commands and to get them to their handlers.
//!
//! The rule is the same for both. A line counts that stands between `// count: PURPOSE` and `// count: end`; so does an attribute
//! of the toolkit wherever it stands, `#[validate(..)]` for validation, `#[command(..)]` and `#[command_handler]` for registration.
//! Blank lines and comments never count, nor do what both have to say in some form: the fields of a command, what its handler
//! takes and answers, `use`. The source is as rustfmt leaves it, and an attribute that counts fits on its line.
//!
//! The checks in AllFrame's style are written out in each handler, as its documentation and its own tests write them. Functions
//! for those that repeat would shorten them; they would be one more thing to write.

use std::{collections::BTreeMap, fmt};

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// To see that the fields of a command are as they must be.
    Validation,
    /// To get a command from its name to the handler, and to the handler what it needs.
    Registration,
    /// To load accounts, and to store what was decided.
    Storing,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::Validation, Self::Registration, Self::Storing];

    const fn word(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Registration => "registration",
            Self::Storing => "storing",
        }
    }

    fn of_marker(word: &str) -> Result<Self, Unmarked> {
        let found = Self::ALL.into_iter().find(|purpose| purpose.word() == word);
        found.ok_or_else(|| Unmarked { at: format!("`{word}` is no purpose") })
    }

    fn of_attribute(line: &str) -> Option<Self> {
        let starts = |attribute| line.starts_with(attribute);
        match () {
            () if starts("#[validate(") => Some(Self::Validation),
            () if starts("#[command(") || starts("#[command_handler") || starts("#[handlers") => {
                Some(Self::Registration)
            }
            () => None,
        }
    }
}

/// The markers of a file make no sense.
#[derive(Debug, thiserror::Error)]
#[error("{at}")]
pub(crate) struct Unmarked {
    at: String,
}

/// The lines of one style.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Lines(BTreeMap<Purpose, usize>);

impl Lines {
    pub(crate) fn of(&self, purpose: Purpose) -> usize {
        self.0.get(&purpose).copied().unwrap_or_default()
    }

    /// Counts those of some files.
    pub(crate) fn count(sources: &[&str]) -> Result<Self, Unmarked> {
        let mut this = Self::default();
        for source in sources {
            let mut within = None;
            for line in source.lines().map(str::trim) {
                match (line.strip_prefix("// count: "), within) {
                    (Some("end"), Some(_)) => within = None,
                    (Some(word), None) => within = Some(Purpose::of_marker(word)?),
                    (Some(word), _) => return Err(Unmarked { at: format!("`{word}` is out of place") }),
                    (None, _) if line.is_empty() || line.starts_with("//") => {}
                    (None, within) => {
                        let attribute = Purpose::of_attribute(line);
                        if attribute.is_some() && !line.ends_with(']') {
                            return Err(Unmarked { at: format!("`{line}` goes on after its line") });
                        }
                        if let Some(purpose) = within.or(attribute) {
                            *this.0.entry(purpose).or_default() += 1;
                        }
                    }
                }
            }
            if within.is_some() {
                return Err(Unmarked { at: "a marker has no end".to_owned() });
            }
        }
        Ok(this)
    }

    fn handling(&self) -> usize {
        self.of(Purpose::Validation) + self.of(Purpose::Registration)
    }
}

/// Both styles, side by side.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) allframe: Lines,
    pub(crate) toolkit: Lines,
}

impl Comparison {
    pub(crate) fn of_both() -> Result<Self, Unmarked> {
        let allframe = Lines::count(&[
            include_str!("allframe_style/mod.rs"),
            include_str!("allframe_style/commands.rs"),
            include_str!("allframe_style/handlers.rs"),
            include_str!("allframe_style/storage.rs"),
        ])?;
        let toolkit = Lines::count(&[
            include_str!("toolkit_style/mod.rs"),
            include_str!("toolkit_style/commands.rs"),
            include_str!("toolkit_style/handlers.rs"),
        ])?;
        Ok(Self { allframe, toolkit })
    }

    /// How much of the validation and registration of AllFrame's style is gone, in percent, rounded down.
    pub(crate) fn percent_gone(&self) -> usize {
        let (before, now) = (self.allframe.handling(), self.toolkit.handling());
        (before.saturating_sub(now) * 100).checked_div(before).unwrap_or_default()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<28}{:>10}{:>10}", "lines of", "AllFrame", "toolkit")?;
        for purpose in Purpose::ALL {
            let (before, now) = (self.allframe.of(purpose), self.toolkit.of(purpose));
            writeln!(f, "{:<28}{before:>10}{now:>10}", purpose.word())?;
        }
        let (before, now) = (self.allframe.handling(), self.toolkit.handling());
        write!(f, "{:<28}{before:>10}{now:>10}", "validation and registration")?;
        write!(f, "   {} % fewer", self.percent_gone())
    }
}
