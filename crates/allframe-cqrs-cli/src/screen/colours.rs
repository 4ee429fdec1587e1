use std::{fmt::Display, io};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// How what people look at is coloured: on a terminal, unless it is `TERM=dumb` or `NO_COLOR` is set.
///
/// Nothing else than text is ever written where there are none, so that what is in a pipe needs no cleaning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Colours {
    are_wanted: bool,
}

impl Colours {
    pub(crate) fn of_stdout() -> Self {
        Self { are_wanted: AutoStream::choice(&io::stdout()) != ColorChoice::Never }
    }

    pub(crate) fn of_stderr() -> Self {
        Self { are_wanted: AutoStream::choice(&io::stderr()) != ColorChoice::Never }
    }

    #[cfg(test)]
    pub(crate) const NONE: Self = Self { are_wanted: false };

    /// A heading, a name.
    pub(crate) fn strong(self, text: impl Display) -> String {
        self.in_style(Style::new().bold(), text)
    }

    /// What is said beside the thing itself.
    pub(crate) fn dim(self, text: impl Display) -> String {
        self.in_style(Style::new().dimmed(), text)
    }

    /// What is drawn.
    pub(crate) fn drawn(self, text: impl Display) -> String {
        self.in_style(AnsiColor::Cyan.on_default(), text)
    }

    /// What somebody has to look after.
    pub(crate) fn bad(self, text: impl Display) -> String {
        self.in_style(AnsiColor::Red.on_default().bold(), text)
    }

    /// What is as it should be.
    pub(crate) fn good(self, text: impl Display) -> String {
        self.in_style(AnsiColor::Green.on_default(), text)
    }

    fn in_style(self, style: Style, text: impl Display) -> String {
        match self.are_wanted {
            true => format!("{style}{text}{style:#}"),
            false => text.to_string(),
        }
    }
}
