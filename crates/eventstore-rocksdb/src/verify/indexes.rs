use eventstore_api::{Result, StreamId};

use crate::{
    database::{Caching, Database},
    layout::{family, keys},
    read::snapshot,
};

/// How many entries the indexes have.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    pub(super) streams: u64,
    pub(super) versions: u64,
    pub(super) ids: u64,
    pub(super) tags: u64,
    pub(super) blocks: u64,
    pub(super) snapshots: u64,
}

impl Indexes {
    /// Counts them, and looks whether the versions of each stream are without a hole.
    pub(super) fn count(database: &Database) -> Result<Self> {
        let mut counted = Self::default();
        let mut last: (Vec<u8>, u64) = (Vec::new(), 0);
        each_key(database, family::STREAMS, |key| {
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
            counted.versions += 1;
            Ok(())
        })?;
        each_key(database, family::IDS, |_| {
            counted.ids += 1;
            Ok(())
        })?;
        each_key(database, family::POSTINGS, |key| {
            match key.first() {
                Some(b't') => counted.tags += 1,
                Some(b'y') => counted.blocks += 1,
                _ => return Err(database.corrupted("a posting is neither of a tag nor of a type")),
            }
            Ok(())
        })?;
        each_key(database, family::SNAPSHOTS, |key| {
            let stream = std::str::from_utf8(key).ok().and_then(|name| StreamId::try_from(name).ok());
            let stream = stream.ok_or_else(|| database.corrupted("a snapshot is of no stream"))?;
            snapshot(database, &stream)?;
            counted.snapshots += 1;
            Ok(())
        })?;
        Ok(counted)
    }
}

fn each_key(
    database: &Database,
    family: &'static str,
    mut look: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut iter = database.iter(family, Caching::Spared)?;
    iter.seek_to_first();
    while let Some(key) = database.key(&iter)? {
        look(key)?;
        iter.next();
    }
    Ok(())
}
