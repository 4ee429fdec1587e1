use serde::Serialize;

/// What checking a store came to.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Verdict {
    /// What was found whole.
    pub(crate) events: u64,
    pub(crate) streams: u64,
    pub(crate) snapshots: u64,
    pub(crate) head: u64,
    /// How many were read.
    pub(crate) bytes: u64,
    /// Where the store is not what was written.
    pub(crate) damages: Vec<Place>,
    /// Where something is damaged that can be made anew from the rest.
    pub(crate) rebuildable: Vec<Place>,
    /// What is unusual, and no damage.
    pub(crate) notes: Vec<String>,
}

/// Where something is wrong, and what.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Place {
    pub(crate) place: String,
    pub(crate) detail: String,
}

impl Verdict {
    pub(crate) fn is_sound(&self) -> bool {
        self.damages.is_empty() && self.rebuildable.is_empty()
    }
}
