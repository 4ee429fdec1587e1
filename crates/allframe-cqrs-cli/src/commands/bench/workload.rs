use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use eventstore_api::{
    Encoding, EventId, EventStoreBackend, EventType, ExpectedVersion, NewEvent, Result, StreamId, Tags,
};
use tokio::task::JoinSet;

use super::latencies::Latencies;
use crate::{failure::Failure, progress::Progress, store::Store};

/// How many events of a writer go into a stream, before it begins another.
const EVENTS_A_STREAM: u64 = 100;

/// What is appended.
#[derive(Clone, Copy)]
pub(super) struct Workload {
    pub(super) events: u64,
    pub(super) writers: u64,
    pub(super) payload: u32,
}

impl Workload {
    /// Has all writers append their share, one event after the other, and says how long each took.
    pub(super) async fn run(
        self,
        store: &Store,
        progress: &mut Progress,
    ) -> std::result::Result<Latencies, Failure> {
        // So that the streams of another run are not gone on with.
        let run = EventId::generate();
        let done = Arc::new(AtomicU64::new(0));
        let mut writers = JoinSet::new();
        for writer in 0..self.writers {
            let share = self.events / self.writers + u64::from(writer < self.events % self.writers);
            let streams = format!("bench-{run}-{writer}");
            let writing = write(store.clone(), streams, share, self.payload, Arc::clone(&done));
            writers.spawn(writing);
        }
        let mut all = Latencies::default();
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        loop {
            tokio::select! {
                written = writers.join_next() => match written {
                    None => return Ok(all),
                    Some(Ok(latencies)) => all.add(latencies?),
                    Some(Err(error)) => {
                        let source = std::io::Error::other(error);
                        return Err(Failure::System { what: "a writer has ended", source });
                    }
                },
                _ = tick.tick() => progress.at(done.load(Ordering::Relaxed)),
            }
        }
    }
}

async fn write(
    store: Store,
    streams: String,
    events: u64,
    payload: u32,
    done: Arc<AtomicU64>,
) -> Result<Latencies> {
    let event_type = EventType::new("Measured")?;
    let payload = filler(payload);
    let mut latencies = Vec::new();
    for number in 0..events {
        let stream = StreamId::new(format!("{streams}/{}", number / EVENTS_A_STREAM))?;
        let event = NewEvent::new(event_type.clone(), payload.clone())
            .with_encoding(Encoding::JSON)
            .with_tags(Tags::NONE);
        let began = Instant::now();
        store.append(&stream, ExpectedVersion::Any, vec![event]).await?;
        latencies.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
        done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(Latencies::of(latencies))
}

/// JSON of so many bytes, in which no compressor finds much.
fn filler(bytes: u32) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut text = vec![b'"'];
    for _ in 2..bytes {
        // xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push(
            usize::try_from(state % 64).ok().and_then(|digit| DIGITS.get(digit)).copied().unwrap_or(b'a'),
        );
    }
    text.push(b'"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_json_and_as_long_as_was_asked_for() {
        for bytes in [2, 3, 200] {
            let payload = filler(bytes);
            assert_eq!(payload.len(), bytes as usize);
            serde_json::from_slice::<String>(&payload).unwrap();
        }
    }
}
