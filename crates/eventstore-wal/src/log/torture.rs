//! What the crash tests need of the engine, and nobody else.

use std::sync::Arc;

use bytes::Bytes;
use eventstore_api::{
    GlobalPosition, Page, ReadAll, RecordedEvent, Result, Snapshot, StreamId, StreamPage, StreamRange,
};
use eventstore_codec::Names;

use super::{Log, Rebuilt, is_damaged_index, replace_damaged_indexes};
use crate::{
    catalog::Catalog,
    damage::Failure,
    format::{FrameFault, FrameSeed, StoreId},
    frames::{Frame, Malformed},
    index::{SegmentStart, Wait},
    read,
    snapshots::Snapshots,
};

impl Log {
    /// A page of what is published.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::read_all`](eventstore_api::EventStoreBackend::read_all).
    pub fn read_all(&self, query: &ReadAll) -> Result<Page> {
        query.validate()?;
        self.read(|catalog| read::read_all(catalog, query, Wait::Allowed))
    }

    /// A part of a stream, as far as it is published.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::read_stream`](eventstore_api::EventStoreBackend::read_stream).
    pub fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.read(|catalog| read::read_stream(catalog, stream, range, Wait::Allowed))
    }

    /// As the backend reads: an index that turns out to be damaged is made anew.
    fn read<T>(&self, read: impl Fn(&Catalog) -> Result<T, Failure>) -> Result<T> {
        match read(&self.catalog) {
            Err(failure) if is_damaged_index(&failure) => {
                replace_damaged_indexes(&*self.disk, &self.catalog, Rebuilt::Kept)?;
                Ok(read(&self.catalog)?)
            }
            answer => Ok(answer?),
        }
    }

    /// Puts a part in the place of the oldest segment that is sealed; false when there is none.
    ///
    /// # Errors
    ///
    /// As [`WalBackend::archive_now`](crate::WalBackend::archive_now).
    #[cfg(feature = "parquet")]
    pub fn archive_oldest(&mut self) -> Result<bool> {
        use crate::{ArchivePolicy, archive::Due};

        self.run_background_work();
        let policy = ArchivePolicy { keep_segments: Some(0), ..ArchivePolicy::default() };
        let archive = self.archive_by(policy);
        let Due::Now(segment) = archive.due((self.options.clock)()) else { return Ok(false) };
        archive.archive(&segment, &std::sync::atomic::AtomicBool::new(false))?;
        drop(segment);
        archive.clear_away();
        Ok(true)
    }

    /// The position of the last event that is published.
    #[must_use]
    pub fn head(&self) -> GlobalPosition {
        GlobalPosition::new(self.catalog.published().head)
    }

    /// How many streams have published events.
    #[must_use]
    pub fn streams(&self) -> u64 {
        self.catalog.published().streams
    }

    /// The snapshots beside the log, recovered.
    ///
    /// # Errors
    ///
    /// As [`WalBackend::with_config`](crate::WalBackend::with_config).
    pub fn snapshots(&self) -> Result<LogSnapshots> {
        let (store, durability) = (self.catalog.store, self.options.durability);
        let disk = Arc::clone(&self.disk);
        Ok(LogSnapshots(Snapshots::open(disk, store, self.options.extent_bytes, durability)?.0))
    }
}

/// The snapshots beside a log.
#[derive(Debug)]
pub struct LogSnapshots(Snapshots);

impl LogSnapshots {
    /// The latest snapshot of a stream.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::get_latest_snapshot`](eventstore_api::EventStoreBackend::get_latest_snapshot).
    pub fn latest(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        Ok(self.0.latest(stream, Wait::Allowed)?)
    }

    /// Saves a snapshot.
    ///
    /// # Errors
    ///
    /// As [`EventStoreBackend::save_snapshot`](eventstore_api::EventStoreBackend::save_snapshot).
    pub fn save(&self, snapshot: &Snapshot) -> Result<()> {
        Ok(self.0.save(snapshot)?)
    }
}

/// Where a frame is said to stand.
#[derive(Clone, Copy, Debug)]
pub struct FramePlace {
    /// The id of the store.
    pub store: [u8; 16],
    /// The position that the segment begins with.
    pub segment: u64,
    /// Where in the segment, in bytes.
    pub offset: u64,
}

/// What a frame holds.
#[derive(Clone, Debug)]
pub struct FrameContents {
    /// How long the frame is.
    pub bytes: u64,
    /// In their order.
    pub events: Vec<RecordedEvent>,
}

/// Why some bytes are no frame, or none that makes sense.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NoFrame(#[from] Why);

#[derive(Debug, thiserror::Error)]
enum Why {
    #[error(transparent)]
    Fault(#[from] FrameFault),
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Reads the frame at the front of these bytes.
///
/// # Errors
///
/// When there is none.
pub fn read_frame(bytes: &Bytes, place: FramePlace) -> Result<FrameContents, NoFrame> {
    let seed = FrameSeed::new(StoreId::from_bytes(place.store), SegmentStart::new(place.segment));
    let frame = Frame::parse(bytes, seed, place.offset).map_err(Why::from)?;
    let frame = frame.map_err(|_| Why::from(FrameFault::CutOff))?;
    let (mut events, mut names) = (Vec::new(), Names::new());
    frame
        .each_event::<Malformed>(|event| {
            events.push(event.to_recorded(names.stream(event.stream)?, &mut names)?);
            Ok(())
        })
        .map_err(Why::from)?;
    Ok(FrameContents { bytes: frame.header.frame_bytes(), events })
}
