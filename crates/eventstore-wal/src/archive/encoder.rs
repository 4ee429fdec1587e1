//! The encoder of a part, on a thread of its own.
//!
//! It never touches the disk: what it has encoded is written by the thread that gives it events, and always after the same
//! events. So a crash test sees the same calls of the disk in the same order, every time.

use std::{
    io::{self, Write},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, Scope},
};

use eventstore_api::RecordedEvent;
use eventstore_parquet::{ParquetError, ParquetOptions, ParquetWriter, Summary, event_bytes};
use parking_lot::Mutex;

/// Gathers events, and gives them away a row group at a time. While one is encoded, the next is gathered.
pub(super) struct Encoder<W> {
    output: W,
    groups: Sender<Vec<RecordedEvent>>,
    encoded: Receiver<Result<Encoded, ParquetError>>,
    group: Vec<RecordedEvent>,
    group_bytes: usize,
    options: ParquetOptions,
    is_busy: bool,
}

/// What the other thread answers.
enum Encoded {
    Group(Vec<u8>),
    End(Vec<u8>, Summary),
}

impl<W: Write> Encoder<W> {
    /// Starts the thread.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        output: W,
        options: ParquetOptions,
    ) -> Result<Self, ParquetError> {
        let (groups, given) = channel();
        let (answer, encoded) = channel();
        let encode = move || {
            // A panic ends this thread alone: who waits for an answer finds that none can come any more.
            let encoded = catch_unwind(AssertUnwindSafe(|| encode(options, &given, &answer)));
            if let Ok(Err(error)) = encoded {
                // Nobody listens any more once something else has failed.
                let _ = answer.send(Err(error));
            }
        };
        thread::Builder::new().name("wal-encoder".to_owned()).spawn_scoped(scope, encode)?;
        Ok(Self { output, groups, encoded, group: Vec::new(), group_bytes: 0, options, is_busy: false })
    }

    /// Adds an event behind the others.
    pub(super) fn write(&mut self, event: RecordedEvent) -> Result<(), ParquetError> {
        self.group_bytes += event_bytes(&event);
        self.group.push(event);
        let is_full = self.group.len() >= self.options.row_group_events
            || self.group_bytes >= self.options.row_group_bytes;
        if is_full { self.give() } else { Ok(()) }
    }

    /// Ends the part.
    pub(super) fn finish(mut self) -> Result<(W, Summary), ParquetError> {
        self.give()?;
        self.take()?;
        let Self { mut output, groups, encoded, .. } = self;
        drop(groups);
        match encoded.recv().map_err(|_| ended())?? {
            Encoded::End(bytes, summary) => {
                output.write_all(&bytes)?;
                Ok((output, summary))
            }
            Encoded::Group(_) => Err(ended()),
        }
    }

    fn give(&mut self) -> Result<(), ParquetError> {
        self.take()?;
        self.group_bytes = 0;
        let next = Vec::with_capacity(self.group.len());
        self.groups.send(mem::replace(&mut self.group, next)).map_err(|_| ended())?;
        self.is_busy = true;
        Ok(())
    }

    /// Writes the group that was given away last.
    fn take(&mut self) -> Result<(), ParquetError> {
        if !mem::take(&mut self.is_busy) {
            return Ok(());
        }
        match self.encoded.recv().map_err(|_| ended())?? {
            Encoded::Group(bytes) => Ok(self.output.write_all(&bytes)?),
            Encoded::End(..) => Err(ended()),
        }
    }
}

/// The other thread has panicked.
fn ended() -> ParquetError {
    io::Error::other("the encoder has ended early").into()
}

/// Encodes groups until no more can come, and then the end of the file.
fn encode(
    options: ParquetOptions,
    groups: &Receiver<Vec<RecordedEvent>>,
    answer: &Sender<Result<Encoded, ParquetError>>,
) -> Result<(), ParquetError> {
    let buffer = Buffer::default();
    let mut writer = ParquetWriter::new(buffer.clone(), options)?;
    for group in groups {
        writer.write_row_group(&group)?;
        // Before the group is dropped, which takes a tenth as long as to gather the next one: nobody waits for that.
        if answer.send(Ok(Encoded::Group(buffer.take()))).is_err() {
            return Ok(());
        }
    }
    let (_, summary) = writer.finish()?;
    let _ = answer.send(Ok(Encoded::End(buffer.take(), summary)));
    Ok(())
}

/// What has been encoded, and not yet sent.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut self.0.lock())
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
