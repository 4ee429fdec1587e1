use std::env;

/// The environment variable that says what becomes of samples that are missing or no longer agree.
pub(super) const VARIABLE: &str = "EVENT_SAMPLES";

/// What becomes of samples that are missing or no longer agree.
///
/// Without being told, [`GoldenSamples`](super::GoldenSamples) asks the environment: `EVENT_SAMPLES=check`, `write` or `accept`;
/// without that variable, `check` where `CI` is set, and `write` elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateSamples {
    /// No file is written; a missing one is a failure.
    Check,
    /// Those that are missing are written. What is there stays.
    Write,
    /// The same, and what reads differently than it did is from now on to read so; where an event of today's version is stored
    /// in another form, the new form is kept beside the earlier one. What was stored itself is never written over.
    Accept,
}

impl UpdateSamples {
    pub(super) fn of_environment() -> Self {
        let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
        match set(VARIABLE).as_deref() {
            Some("accept") => Self::Accept,
            Some("write") => Self::Write,
            // Whatever else it says, nothing is written that nobody asked for.
            Some(_) => Self::Check,
            None if is_unattended() => Self::Check,
            None => Self::Write,
        }
    }
}

/// Whether this is continuous integration, where nobody would see and commit a file that is written: the variable `CI` is set, and
/// is neither empty nor `false` nor `0`.
pub(crate) fn is_unattended() -> bool {
    env::var_os("CI").is_some_and(|value| !(value.is_empty() || value == "false" || value == "0"))
}
