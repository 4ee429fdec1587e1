use bytes::Bytes;
use eventstore_api::{InvalidInput, Result, Snapshot, StreamId};
use eventstore_codec::decode_snapshot;

use crate::{
    database::{Caching, Database},
    layout::family,
};

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

/// The first streams behind this one that have a snapshot.
pub(crate) fn snapshot_streams(
    database: &Database,
    after: Option<&StreamId>,
    limit: usize,
) -> Result<Vec<StreamId>> {
    if limit == 0 {
        return Err(InvalidInput::ZeroLimit.into());
    }
    let mut iter = database.iter(family::SNAPSHOTS, Caching::Spared)?;
    match after {
        None => iter.seek_to_first(),
        Some(after) => {
            let key = after.as_str().as_bytes();
            iter.seek(key);
            if database.key(&iter)? == Some(key) {
                iter.next();
            }
        }
    }
    let mut streams = Vec::new();
    while let Some(key) = database.key(&iter)?
        && streams.len() < limit
    {
        let name = std::str::from_utf8(key).ok().and_then(|name| StreamId::new(name.to_owned()).ok());
        streams.push(name.ok_or_else(|| database.corrupted("a key of the snapshots names no stream"))?);
        iter.next();
    }
    Ok(streams)
}
