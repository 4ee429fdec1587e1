use eventstore_api::StreamId;

/// What a copy does with the records of idempotency keys (`$command-KEY`), which the command bus keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRecords {
    /// They stay true: a command that was carried out before the copy is not carried out again, and its answer is what its
    /// events have become. The transform is not asked about them.
    #[default]
    Carry,
    /// They are left out: in the new store every key is unknown.
    LeaveOut,
}

/// What a stream is to a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamKind {
    /// The application's, or of nobody we know: the transform says what becomes of it.
    Application,
    /// The record of an idempotency key.
    KeyRecord,
    /// The toolkit's, with what is as true in another store: it is written as it is.
    TrueAnywhere,
    /// The toolkit's, with positions and versions of the source in it, which say nothing in another store.
    OfThisStore,
}

/// Of consumer groups, of projections, of processes that drive sagas, and of copies into the store that is copied now. What projections keep are snapshots
/// today; an event in such a stream would be about the same.
const OF_THIS_STORE: [&str; 4] = ["$group-", "$projection-", "$saga-", "$copy-"];
const KEY_RECORD: &str = "$command-";
/// What forms the events of a name have had, and which are compatible.
const SCHEMAS: &str = "$schema-";

impl StreamKind {
    pub(super) fn of(stream: &StreamId) -> Self {
        let name = stream.as_str();
        if !name.starts_with('$') {
            return Self::Application;
        }
        if name.starts_with(KEY_RECORD) {
            return Self::KeyRecord;
        }
        if name.starts_with(SCHEMAS) {
            return Self::TrueAnywhere;
        }
        match OF_THIS_STORE.iter().any(|prefix| name.starts_with(prefix)) {
            true => Self::OfThisStore,
            false => Self::Application,
        }
    }
}
