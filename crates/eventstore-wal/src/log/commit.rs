use std::io;

use eventstore_api::{AppendBatch, Appended, GlobalPosition, InvalidInput, Result, StoreError};

use super::{
    Answer, Durability, Log, Poisoned, Rebuilt, Request,
    decide::{Decider, Undecided, version_at},
    heal::{is_damaged_index, replace_damaged_indexes},
    tail::SEAL_BYTES,
};
use crate::{
    catalog::Published,
    damage::Failure,
    disk::write_all,
    format::{FrameHeader, FrameKind, SyncedMark, VersionWidth, frame_bytes},
    index::{FrameOffset, Head, IndexedEvent, Previous},
};

impl Log {
    /// Appends what it can of these, one after the other, and answers in the same order, when all of it is as durable as
    /// the options say: with one write and one sync, unless a segment ends on the way.
    ///
    /// After a write or a sync has failed, nobody knows what of it is on the disk: whoever waited for it is told so, and
    /// the log writes no more.
    pub fn commit<'r>(&mut self, requests: impl IntoIterator<Item = &'r Request>) -> Vec<Answer> {
        let requests = requests.into_iter();
        let mut answers: Vec<Answer> = Vec::with_capacity(requests.size_hint().0);
        // What is answered so far stands, from here on it waits for the disk.
        let mut settled = 0;
        let was_poisoned = self.poison.is_some();
        for request in requests {
            let answer = self.place(request, |_| settled = answers.len());
            answers.push(answer);
        }
        if was_poisoned || (self.settle().is_ok() && self.poison.is_none()) {
            return answers;
        }
        if let Some(failure) = &self.poison {
            for answer in answers.iter_mut().skip(settled) {
                *answer = Err(match answer {
                    Ok(_) => StoreError::outcome_unknown(failure.clone()),
                    // Refused for what may not be there tomorrow.
                    Err(_) => StoreError::storage(Poisoned { failure: failure.clone() }),
                });
            }
        }
        answers
    }

    /// Whether these can be appended without waiting for the disk, as far as can be told: there is room for them in the
    /// segment, and deciding on them looks no farther back than the last few events.
    pub(crate) fn takes_at_once<'r>(&self, requests: impl IntoIterator<Item = &'r Request>) -> bool {
        let mut end = self.tail.end();
        self.poison.is_none()
            && requests.into_iter().all(|request| {
                end += request.bytes() as u64 + ABOUT_A_FRAME * (1 + u64::from(request.streams));
                end <= self.tail.space.prepared() && !self.looks_far_back(&request.batch)
            })
    }

    fn looks_far_back(&self, batch: &AppendBatch) -> bool {
        let condition = batch.condition.as_ref();
        condition.is_some_and(|condition| self.tail.head().saturating_sub(condition.after.get()) > FEW)
            || batch
                .appends
                .iter()
                .flat_map(|append| &append.events)
                .any(|event| Some(event.id) <= self.greatest_ids.sealed)
    }

    /// Decides on a request, and puts its frame behind the others. Where that takes a new segment, everything before
    /// is settled first, and `settled` is told.
    fn place(&mut self, request: &Request, settled: impl FnOnce(&Self)) -> Answer {
        self.check_poison()?;
        let mut ends = std::mem::take(&mut self.ends);
        ends.clear();
        ends.extend(
            request.batch.appends.iter().map(|append| self.catalog.heads.get(append.stream.as_str())),
        );
        let answer = self.place_behind(&ends, request, settled);
        self.ends = ends;
        answer
    }

    /// [`Log::place`], where the end of each of its streams is known.
    fn place_behind(
        &mut self,
        ends: &[Option<Head>],
        request: &Request,
        settled: impl FnOnce(&Self),
    ) -> Answer {
        if let Some(place) = request.place {
            place.follows(GlobalPosition::new(self.tail.head()), self.last_recorded_at)?;
        }
        if let Some(outcome) = self.decide(&request.batch, ends)? {
            return match request.place {
                None => Ok(outcome),
                Some(_) => Err(InvalidInput::StoredElsewhere.into()),
            };
        }
        let versions = versions(ends);
        let body_bytes = request.body.len() + versions.1.len();
        let body_bytes = u32::try_from(body_bytes).map_err(|_| too_long())?;
        let needed = frame_bytes(body_bytes);
        if !self.fits(needed) {
            self.settle()?;
            settled(self);
            self.roll(needed)?;
        }
        self.prepare(self.tail.end() + needed + SEAL_BYTES)?;
        Ok(self.append(request, ends, body_bytes, versions))
    }

    /// Whether the batch may be stored, or has been. An index that turns out to be damaged is made anew.
    fn decide(&self, batch: &AppendBatch, ends: &[Option<Head>]) -> Result<Option<Vec<Appended>>> {
        let decider = Decider { catalog: &self.catalog, tail: &self.tail, greatest_ids: self.greatest_ids };
        match decider.decide(batch, ends) {
            Err(Undecided::Failed(failure)) if is_damaged_index(&failure) => {
                replace_damaged_indexes(&*self.disk, &self.catalog, Rebuilt::Kept)?;
                Ok(decider.decide(batch, ends)?)
            }
            decided => Ok(decided?),
        }
    }

    /// Makes room for what ends at this offset. A full disk is no failure of the log.
    pub(super) fn prepare(&mut self, through: u64) -> Result<(), Failure> {
        let space = &self.tail.space;
        let prepared = space.prepare(through);
        let has_lost_a_sync = space.has_lost_a_sync();
        prepared
            .map_err(Failure::io(|| format!("cannot make room in {}", self.tail.segment.described)))
            .inspect_err(|failure| {
                if has_lost_a_sync {
                    self.poison(failure.clone());
                }
            })
    }

    /// From here on nothing can fail.
    fn append(
        &mut self,
        request: &Request,
        ends: &[Option<Head>],
        body_bytes: u32,
        (width, versions): (VersionWidth, Vec<u8>),
    ) -> Vec<Appended> {
        self.last_recorded_at = match request.place {
            Some(place) => place.recorded_at,
            None => self.last_recorded_at.max((self.options.clock)()),
        };
        let offset = self.tail.end();
        let first_position = self.tail.head() + 1;
        let mut hasher = crc32fast::Hasher::new_with_initial_len(request.checksum, request.body.len() as u64);
        hasher.update(&versions);
        let header = FrameHeader {
            kind: FrameKind::Append,
            body_bytes,
            first_position,
            recorded_at: self.last_recorded_at,
            events: request.events,
            streams: request.streams,
            versions: width,
            // The tail knows.
            synced_through: 0,
            previous_checksum: 0,
            body_checksum: hasher.finalize(),
        };
        self.tail.add(header, &[&request.body, &versions]);
        self.index(&request.batch, ends, offset, first_position)
    }

    /// Enters what was appended into the indexes, where readers do not see it before it is published.
    fn index(
        &mut self,
        batch: &AppendBatch,
        ends: &[Option<Head>],
        offset: u64,
        first_position: u64,
    ) -> Vec<Appended> {
        let offset = FrameOffset::from_bytes(offset).unwrap_or(FrameOffset::MAX);
        let segment = self.tail.segment.start;
        self.tail.index.note_frame(offset, first_position);
        let mut position = first_position;
        let mut outcomes = Vec::with_capacity(batch.appends.len());
        for (append, head) in batch.appends.iter().zip(ends) {
            let previous = head.map_or(Previous::None, |head| Previous::Segment(head.segment));
            let before = version_at(*head);
            let indexed = append.events.iter().map(|event| IndexedEvent {
                id: event.id,
                event_type: &event.event_type,
                tags: &event.tags,
            });
            self.tail.index.note_append(offset, &append.stream, before.next(), || previous, indexed);
            let count = append.events.len() as u64;
            let version = before.plus(count);
            self.catalog.heads.set(append.stream.as_str(), Head { version, segment });
            let greatest = append.events.iter().map(|event| event.id).max();
            self.greatest_ids.all = self.greatest_ids.all.max(greatest);
            let last = position + count - 1;
            outcomes.push(Appended::new(
                append.stream.clone(),
                (before.next(), GlobalPosition::new(position)),
                (version, GlobalPosition::new(last)),
            ));
            position = last + 1;
        }
        outcomes
    }

    /// Whether a frame of this length goes into the segment that is written. One that is longer than any segment goes
    /// into one of its own.
    fn fits(&self, frame_bytes: u64) -> bool {
        let end = self.tail.end() + frame_bytes + SEAL_BYTES;
        end <= self.options.segment_bytes || self.tail.is_at_the_beginning()
    }

    /// Writes what was placed, makes it as durable as the options say, and shows it.
    pub(super) fn settle(&mut self) -> Result<(), Failure> {
        if let Some(failure) = &self.poison {
            return Err(failure.clone());
        }
        let durable = self.options.durability == Durability::Always;
        let done = match self.write_out() {
            Ok(true) if durable => self.sync(),
            Ok(true) => Ok(()),
            Ok(false) => return Ok(()),
            Err(failure) => Err(failure),
        };
        match done {
            Ok(()) => {
                self.publish();
                Ok(())
            }
            Err(failure) => {
                self.poison(failure.clone());
                Err(failure)
            }
        }
    }

    fn write_out(&mut self) -> Result<bool, Failure> {
        self.tail.write().map_err(Failure::io(|| format!("cannot write to {}", self.tail.segment.described)))
    }

    /// Makes what is in the file durable, and says so to other processes.
    pub(super) fn sync(&mut self) -> Result<(), Failure> {
        #[cfg(feature = "torture")]
        if self.misbehave_at_sync() {
            return Ok(());
        }
        self.tail.sync().map_err(Failure::io(|| format!("cannot sync {}", self.tail.segment.described)))?;
        if self.tail.space.has_lost_a_sync() {
            let error = io::Error::other("a sync of the file has failed while room was made in it");
            return Err(Failure::io(|| format!("cannot sync {}", self.tail.segment.described))(error));
        }
        self.tell_synced();
        Ok(())
    }

    /// Other processes show what is said here. It is a help to them and no part of the log: where it cannot be
    /// written they see events late, and nothing is lost.
    pub(super) fn tell_synced(&self) {
        let mark = SyncedMark {
            segment: self.tail.segment.start,
            offset: self.tail.synced(),
            head: self.tail.head(),
        };
        if let Err(error) = write_all(&*self.synced_mark, &mark.encode(self.catalog.store), 0) {
            tracing::warn!(%error, "cannot tell other processes how far the log is durable");
        }
    }

    pub(super) fn publish(&self) {
        self.catalog.publish(Published {
            segment: self.tail.segment.start,
            offset: self.tail.written(),
            head: self.tail.head(),
            streams: self.catalog.heads.len(),
            closed: false,
        });
    }

    #[cfg(feature = "torture")]
    fn misbehave_at_sync(&mut self) -> bool {
        use super::SeededBug;
        match self.options.bug {
            Some(SeededBug::AcknowledgeBeforeSync) => {
                self.tail.pretend_synced();
                self.tell_synced();
                true
            }
            Some(SeededBug::RetryFailedSync) if self.tail.segment.file().sync_data().is_err() => {
                // And once more, below: the system has forgotten what it could not write.
                false
            }
            _ => false,
        }
    }
}

/// The first version of each stream of a batch, as the end of the frame's body says it.
fn versions(ends: &[Option<Head>]) -> (VersionWidth, Vec<u8>) {
    let firsts = || ends.iter().map(|&end| version_at(end).next());
    let width = VersionWidth::of(firsts().max().unwrap_or_default());
    let mut bytes = Vec::with_capacity(ends.len() * width.bytes());
    for version in firsts() {
        width.put(version, &mut bytes);
    }
    (width, bytes)
}

/// More than a frame takes beyond what is appended, in bytes, and more than a version takes.
const ABOUT_A_FRAME: u64 = 128;
/// How many events can be looked at without holding anybody up.
const FEW: u64 = 2_048;

/// Cannot happen for a batch that has been validated.
fn too_long() -> StoreError {
    StoreError::storage("the frame of the append is longer than 4 GiB")
}
