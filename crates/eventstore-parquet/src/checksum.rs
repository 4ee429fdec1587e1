use std::{
    io::{self, Write},
    sync::Arc,
};

use crc32fast::Hasher;
use eventstore_api::RecordedEvent;
use parking_lot::Mutex;

/// A checksum of events and everything that is known of them, by which it is seen that reading gives what was written.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventsChecksum {
    hasher: Hasher,
}

impl EventsChecksum {
    pub(crate) fn add(&mut self, event: &RecordedEvent) {
        let RecordedEvent { version, position, recorded_at, id, schema_version, encoding, .. } = event;
        self.number(position.get());
        self.number(version.get());
        self.hasher.update(&recorded_at.as_micros().to_le_bytes());
        self.hasher.update(id.as_bytes());
        self.hasher.update(&schema_version.to_le_bytes());
        self.hasher.update(&[encoding.get()]);
        self.bytes(event.stream.as_str().as_bytes());
        self.bytes(event.event_type.as_str().as_bytes());
        self.bytes(&event.payload);
        self.number(event.metadata.len() as u64);
        for (name, value) in event.metadata.iter() {
            self.bytes(name.as_bytes());
            self.bytes(value.as_bytes());
        }
        self.number(event.tags.len() as u64);
        for tag in &event.tags {
            self.bytes(tag.as_str().as_bytes());
        }
    }

    pub(crate) fn finish(self) -> u32 {
        self.hasher.finalize()
    }

    fn number(&mut self, number: u64) {
        self.hasher.update(&number.to_le_bytes());
    }

    /// With their length, so that no two lists of texts look alike.
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.hasher.update(bytes);
    }
}

/// Passes bytes on, and keeps count.
#[derive(Debug)]
pub(crate) struct Measured<W> {
    output: W,
    count: Arc<Mutex<Count>>,
}

/// What went through.
#[derive(Debug, Default)]
pub(crate) struct Count {
    /// Altogether.
    pub(crate) bytes: u64,
    /// Of these, how many at the last [`Count::take`].
    taken: u64,
    /// Of what went through since then.
    hasher: Hasher,
}

impl Count {
    /// How many bytes went through since the last time, and their checksum.
    pub(crate) fn take(&mut self) -> (u64, u32) {
        let bytes = self.bytes - self.taken;
        self.taken = self.bytes;
        (bytes, std::mem::take(&mut self.hasher).finalize())
    }
}

impl<W> Measured<W> {
    /// The output, and what can be looked at while another has it.
    pub(crate) fn new(output: W) -> (Self, Arc<Mutex<Count>>) {
        let count = Arc::new(Mutex::new(Count::default()));
        (Self { output, count: Arc::clone(&count) }, count)
    }

    pub(crate) fn into_inner(self) -> W {
        self.output
    }
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        let mut count = self.count.lock();
        count.hasher.update(bytes.get(..written).unwrap_or_default());
        count.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
