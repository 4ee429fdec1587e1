use bytes::Bytes;
use eventstore_api::{Result, Snapshot, StreamId};
use eventstore_codec::decode_snapshot;

use crate::{database::Database, layout::family};

/// The snapshot of a stream.
pub(crate) fn snapshot(database: &Database, stream: &StreamId) -> Result<Option<Snapshot>> {
    let Some(value) = database.get(family::SNAPSHOTS, stream.as_str().as_bytes())? else { return Ok(None) };
    match decode_snapshot(&Bytes::copy_from_slice(&value)) {
        Ok(snapshot) if snapshot.stream == *stream => Ok(Some(snapshot)),
        Ok(snapshot) => {
            let detail = format!("under stream `{stream}` there is the snapshot of `{}`", snapshot.stream);
            Err(database.corrupted(detail))
        }
        Err(error) => {
            Err(database.corrupted(format!("the snapshot of stream `{stream}` cannot be read: {error}")))
        }
    }
}
