use eventstore_api::{Result, StreamId};

use super::{
    entries::{EntrySums, Index},
    sum::EntryHash,
};
use crate::{
    database::{Caching, Database},
    layout::{family, keys},
    read::snapshot,
};

/// What there is beside the events.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    pub(super) streams: u64,
    pub(super) snapshots: u64,
    pub(super) entries: EntrySums,
}

impl Indexes {
    /// Counts it, sums up the entries that lead to events, and looks whether the versions of each stream are without a hole.
    pub(super) fn count(database: &Database, hash: &EntryHash) -> Result<Self> {
        let mut counted = Self::default();
        let mut last: (Vec<u8>, u64) = (Vec::new(), 0);
        each_entry(database, family::STREAMS, |key, value| {
            let (name, number) = (keys::name(key), keys::number(key).unwrap_or(0));
            if last.0 != name {
                last = (name.to_vec(), 0);
                counted.streams += 1;
            }
            if number != last.1.saturating_add(1) {
                let stream = keys::stream_text(name).unwrap_or("a stream without a name");
                return Err(database.corrupted(format!(
                    "version {} of stream `{stream}` is missing",
                    last.1.saturating_add(1)
                )));
            }
            last.1 = number;
            counted.entries.add(Index::Streams, hash, key, value);
            Ok(())
        })?;
        each_entry(database, family::IDS, |key, value| {
            counted.entries.add(Index::Ids, hash, key, value);
            Ok(())
        })?;
        each_entry(database, family::POSTINGS, |key, value| {
            let index = match key.first() {
                Some(b't') => Index::Tags,
                Some(b'y') => Index::Types,
                _ => return Err(database.corrupted("a posting is neither of a tag nor of a type")),
            };
            counted.entries.add(index, hash, key, value);
            Ok(())
        })?;
        each_entry(database, family::SNAPSHOTS, |key, _| {
            let stream = std::str::from_utf8(key).ok().and_then(|name| StreamId::try_from(name).ok());
            let stream = stream.ok_or_else(|| database.corrupted("a snapshot is of no stream"))?;
            snapshot(database, &stream)?;
            counted.snapshots += 1;
            Ok(())
        })?;
        Ok(counted)
    }
}

fn each_entry(
    database: &Database,
    family: &'static str,
    mut look: impl FnMut(&[u8], &[u8]) -> Result<()>,
) -> Result<()> {
    let mut iter = database.iter(family, Caching::Spared)?;
    iter.seek_to_first();
    while let Some((key, value)) = database.item(&iter)? {
        look(key, value)?;
        iter.next();
    }
    Ok(())
}
