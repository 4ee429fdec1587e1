//! What a program without an event store would do: the same keys and values, put by one thread that takes whatever waits into
//! one batch, and syncs it. It guards nothing, finds no retries, and shows nothing.

use std::{path::Path, sync::Arc, thread};

use eventstore_api::NewEvent;
use eventstore_benches::streams;
use rust_rocksdb::{ColumnFamilyDescriptor, DB, Options, WriteBatch, WriteOptions};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

const FAMILIES: [&str; 4] = ["events", "streams", "ids", "meta"];
/// What the store writes of itself with each batch.
const STATE: [u8; 88] = [7; 88];

pub(crate) struct Bare {
    db: Arc<DB>,
    jobs: mpsc::UnboundedSender<Job>,
}

/// Puts that belong together, and whoever waits for them.
struct Job {
    puts: Vec<Put>,
    done: oneshot::Sender<()>,
}

/// What stands for an event.
#[derive(Clone)]
pub(crate) struct Put {
    stream: Arc<str>,
    id: [u8; 16],
    value: Vec<u8>,
}

/// The puts of each append of each writer.
pub(crate) fn work(work: &[Vec<Vec<NewEvent>>]) -> Vec<Vec<Vec<Put>>> {
    let names: Vec<Arc<str>> = streams().iter().map(|stream| stream.as_str().into()).collect();
    let put = |stream: &Arc<str>, event: &NewEvent| {
        // The place, the form of an event, and its names: as long as in the store.
        let mut value = vec![1; 40];
        value.extend_from_slice(stream.as_bytes());
        value.extend_from_slice(event.event_type.as_str().as_bytes());
        value.extend_from_slice(&event.payload);
        Put { stream: Arc::clone(stream), id: *event.id.as_bytes(), value }
    };
    let writers = work.iter().enumerate().map(|(writer, appends)| {
        let its = names.iter().cycle().skip(writer * names.len() / work.len());
        let appends =
            its.zip(appends).map(|(stream, events)| events.iter().map(|event| put(stream, event)).collect());
        appends.collect()
    });
    writers.collect()
}

impl Bare {
    pub(crate) fn open(path: &Path, is_durable: bool) -> Self {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let families = FAMILIES.map(|name| ColumnFamilyDescriptor::new(name, Options::default()));
        let db = Arc::new(DB::open_cf_descriptors(&options, path, families).unwrap());
        let (jobs, waiting) = mpsc::unbounded_channel();
        let writer = Arc::clone(&db);
        thread::spawn(move || write(&writer, waiting, is_durable));
        Self { db, jobs }
    }

    /// Each writer the puts that are its own.
    pub(crate) async fn append(&self, work: Vec<Vec<Vec<Put>>>) {
        let mut writers = JoinSet::new();
        for appends in work {
            let jobs = self.jobs.clone();
            writers.spawn(async move {
                for puts in appends {
                    let (done, waiting) = oneshot::channel();
                    assert!(jobs.send(Job { puts, done }).is_ok());
                    waiting.await.unwrap();
                }
            });
        }
        writers.join_all().await;
    }

    /// Goes through all values, and says how many there are.
    pub(crate) fn read_all(&self) -> usize {
        let mut events = self.db.raw_iterator_cf(self.db.cf_handle("events").unwrap());
        events.seek_to_first();
        let (mut seen, mut bytes) = (0, 0);
        while let Some(value) = events.value() {
            (seen, bytes) = (seen + 1, bytes + value.len());
            events.next();
        }
        assert!(bytes > seen);
        seen
    }
}

fn write(db: &DB, mut waiting: mpsc::UnboundedReceiver<Job>, is_durable: bool) {
    let [events, streams, ids, meta] = FAMILIES.map(|name| db.cf_handle(name).unwrap());
    let mut options = WriteOptions::default();
    options.set_sync(is_durable);
    let mut position = 0_u64;
    let mut jobs = Vec::new();
    while waiting.blocking_recv_many(&mut jobs, 4_096) > 0 {
        let mut batch = WriteBatch::default();
        for put in jobs.iter().flat_map(|job| &job.puts) {
            position += 1;
            let key = position.to_be_bytes();
            batch.put_cf(events, key, &put.value);
            let stream = [put.stream.as_bytes(), &[0], &key].concat();
            batch.put_cf(streams, stream, [key.as_slice(), &[0; 4]].concat());
            batch.put_cf(ids, [put.id.as_slice(), put.stream.as_bytes()].concat(), key);
        }
        batch.put_cf(meta, "state", STATE);
        db.write_opt(&batch, &options).unwrap();
        for job in jobs.drain(..) {
            // Whoever does not wait any more does not want to know.
            let _ = job.done.send(());
        }
    }
}
