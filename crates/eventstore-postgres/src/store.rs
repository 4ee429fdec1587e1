use crate::{
    append::{BulkLoad, KnownStreams},
    connection::Connections,
    head::Head,
    page_reads::Counters,
    replica::Replica,
    statements::Statements,
};

/// What the parts of an open store share.
#[derive(Debug)]
pub(crate) struct Store {
    /// To the server that takes appends.
    pub(crate) connections: Connections,
    pub(crate) replica: Option<Replica>,
    pub(crate) reads: Counters,
    pub(crate) sql: Statements,
    pub(crate) head: Head,
    pub(crate) known_streams: KnownStreams,
    pub(crate) bulk_load: BulkLoad,
}
