use std::sync::Arc;

use eventstore_api::{Encoding, EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId};
use tokio::runtime::Runtime;

/// How many bytes the payload of a raw event has: about what a small JSON event has.
pub const PAYLOAD_BYTES: usize = 200;

/// How many streams a workload spreads its events over.
pub const STREAMS: usize = 1_000;

/// A raw event of [`PAYLOAD_BYTES`].
#[must_use]
pub fn raw_event(event_type: &EventType) -> NewEvent {
    static PAYLOAD: [u8; PAYLOAD_BYTES] = [b'x'; PAYLOAD_BYTES];
    NewEvent::new(event_type.clone(), PAYLOAD.to_vec()).with_encoding(Encoding::BINARY)
}

/// The names of the workload's streams.
#[must_use]
pub fn streams() -> Arc<[StreamId]> {
    (0..STREAMS).filter_map(|n| StreamId::new(format!("account-{n}")).ok()).collect()
}

/// A runtime with as many workers as the machine has processors.
///
/// # Panics
///
/// When the system gives no threads.
#[must_use]
#[expect(clippy::expect_used, reason = "a bench without threads has nothing to measure")]
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().build().expect("the system gives threads")
}

/// Appends `events` raw events, `batch` at a time, from `writers` tasks that share the streams and the work.
///
/// # Panics
///
/// When an append fails.
#[expect(clippy::expect_used, reason = "a bench whose work fails measures nothing")]
pub async fn append_raw<B: EventStoreBackend + Clone>(
    backend: &B,
    writers: usize,
    batch: usize,
    events: usize,
) {
    let streams = streams();
    let event_type = EventType::new("Deposited").expect("it is a legal name");
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let (backend, streams, event_type) = (backend.clone(), Arc::clone(&streams), event_type.clone());
            tokio::spawn(async move {
                let appends = events / writers / batch;
                // Each writer goes round the streams from a place of its own.
                let mine = streams.iter().cycle().skip(writer * STREAMS / writers).take(appends);
                for stream in mine {
                    let events = (0..batch).map(|_| raw_event(&event_type)).collect();
                    backend.append(stream, ExpectedVersion::Any, events).await.expect("an append succeeds");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a writer ends well");
    }
}
