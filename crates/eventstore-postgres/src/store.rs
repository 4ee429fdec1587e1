use crate::{connection::Connections, head::Head, statements::Statements};

/// What the parts of an open store share.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) connections: Connections,
    pub(crate) sql: Statements,
    pub(crate) head: Head,
}
