//! What a consumer does in the background: a task that holds leases, reads, hands out and writes checkpoints.
//!
//! The task does one thing at a time, so that none of its parts needs a lock. Every write of a partition's state expects
//! the version that was seen last: whoever has taken the partition over in between has written there, and the write fails.

mod checkpoints;
mod lanes;
mod leases;
mod message;
mod reading;
mod replays;
mod roster;
mod share;
mod tenancy;
mod tenure;
mod window;

use std::{
    collections::BTreeMap, error::Error as StdError, future, ops::ControlFlow, sync::Arc, time::Duration,
};

use eventstore_api::{EventStoreBackend, RecordedEvent, Subscription};
pub(super) use message::{Message, Receipt, Verdict};
use roster::Roster;
pub(super) use tenancy::Tenancy;
use tenure::Tenure;
use tokio::{
    select,
    sync::{
        mpsc::{self, UnboundedReceiver, UnboundedSender},
        watch,
    },
    time::{Instant, sleep_until},
};

use super::{Delivery, GroupError, MemberId, settings::GroupCore};
use crate::Event;

/// What is to wait longer waits so long: a year. A moment that lies too far off would be beyond what the clock can say.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A member at work.
pub(super) struct Member<E, B> {
    id: MemberId,
    core: Arc<GroupCore<E, B>>,
    roster: Option<Roster<B>>,
    tenures: BTreeMap<u32, Tenure<E>>,
    /// How many tenures there have been.
    serial: u64,
    /// Reads the log once, for all partitions that are held.
    reader: Option<Subscription<B>>,
    /// Not before then does it read, after the store could not answer.
    reads_from: Instant,
    deliveries: UnboundedSender<Delivery<E>>,
    inbox: UnboundedReceiver<Message>,
    verdicts: UnboundedSender<Message>,
    leased_until: watch::Sender<Instant>,
    next_beat: Instant,
    beats: u64,
    /// When what is settled has to be written.
    save_at: Option<Instant>,
    /// Not before then is it written, after the store could not answer.
    saves_from: Instant,
}

/// What the task has waited for.
enum Step {
    Message(Option<Message>),
    Timer,
    Read(Result<RecordedEvent, GroupError>),
}

impl<E: Event, B: EventStoreBackend> Member<E, B> {
    /// A member that has not begun, what it will hand out, and where it takes verdicts and requests.
    pub(super) fn new(
        id: MemberId,
        core: Arc<GroupCore<E, B>>,
    ) -> (Self, UnboundedReceiver<Delivery<E>>, UnboundedSender<Message>) {
        // Neither can grow without bound: there are no more deliveries out than the settings allow, and one verdict on each.
        let (deliveries, delivered) = mpsc::unbounded_channel();
        let (verdicts, inbox) = mpsc::unbounded_channel();
        let now = Instant::now();
        let member = Self {
            id,
            core,
            roster: None,
            tenures: BTreeMap::new(),
            serial: 0,
            reader: None,
            reads_from: now,
            deliveries,
            inbox,
            verdicts: verdicts.clone(),
            leased_until: watch::Sender::new(now),
            next_beat: now,
            beats: 0,
            save_at: None,
            saves_from: now,
        };
        (member, delivered, verdicts)
    }

    /// Works until it is closed, or something goes wrong for good.
    pub(super) async fn run(mut self) -> Result<(), GroupError> {
        loop {
            self.give_up_expired();
            let work = self.work().await;
            self.tolerate(work)?;
            self.deliver();
            let wake = self.next_wake();
            let may_read = self.may_read();
            let step = select! {
                message = self.inbox.recv() => Step::Message(message),
                () = sleep_until(wake) => Step::Timer,
                read = next_record(&mut self.reader), if may_read => Step::Read(read),
            };
            match step {
                Step::Message(Some(message)) => {
                    if self.hear(message).await.is_break() {
                        return Ok(());
                    }
                }
                Step::Message(None) => return Ok(()),
                Step::Timer => {}
                Step::Read(Ok(record)) => self.place(record)?,
                Step::Read(Err(error)) => {
                    self.reads_from = Instant::now() + self.core.settings.heartbeat();
                    self.tolerate(Err(error))?;
                }
            }
        }
    }

    /// Whatever is due and needs the store.
    async fn work(&mut self) -> Result<(), GroupError> {
        let now = Instant::now();
        self.tenures.values_mut().for_each(|tenure| tenure.lanes.wake(now));
        if self.save_at.is_some_and(|when| when <= now) {
            self.save().await?;
        }
        if self.next_beat <= now {
            self.next_beat = now + self.core.settings.heartbeat();
            self.beat().await?;
        }
        self.release_drained().await?;
        self.start_replays().await
    }

    /// Hands out what may go out.
    fn deliver(&mut self) {
        let mut room = self
            .core
            .settings
            .max_in_flight
            .saturating_sub(self.tenures.values().map(|t| t.lanes.in_flight()).sum());
        let mut any = true;
        while any && room > 0 {
            any = false;
            // One of each in turn, so that none waits for another's backlog.
            for (partition, tenure) in &mut self.tenures {
                if room == 0 {
                    break;
                }
                let Some((key, event, attempt)) = tenure.start() else { continue };
                (any, room) = (true, room - 1);
                let receipt =
                    Receipt { partition: *partition, tenure: tenure.serial, key, position: event.position() };
                let tenancy = Tenancy {
                    is_lost: Arc::clone(&tenure.is_lost),
                    leased_until: self.leased_until.subscribe(),
                };
                let delivery = Delivery::new(event, attempt, receipt, tenancy, self.verdicts.clone());
                if let Err(unwanted) = self.deliveries.send(delivery) {
                    // The consumer is closing: nobody will take it.
                    unwanted.0.forget();
                }
            }
        }
        // What was parked because it cannot be read.
        self.plan_save();
    }

    /// Takes a message and those behind it.
    async fn hear(&mut self, message: Message) -> ControlFlow<()> {
        let mut next = Some(message);
        while let Some(message) = next {
            match message {
                Message::Settled(receipt, verdict) => self.settle(&receipt, verdict),
                Message::Status(answer) => {
                    let in_flight =
                        self.tenures.iter().map(|(number, tenure)| (*number, tenure.lanes.in_flight()));
                    // Whoever asked may be gone.
                    let _ = answer.send(in_flight.collect());
                }
                Message::Close(answer) => {
                    let _ = answer.send(self.leave().await);
                    return ControlFlow::Break(());
                }
            }
            next = self.inbox.try_recv().ok();
        }
        ControlFlow::Continue(())
    }

    fn settle(&mut self, receipt: &Receipt, verdict: Verdict) {
        let tenure = self.tenures.get_mut(&receipt.partition);
        // What was handed out in an earlier tenure has been, or will be, handed out again.
        if let Some(tenure) = tenure.filter(|tenure| tenure.serial == receipt.tenure) {
            tenure.settle(receipt, verdict, &self.core.settings.retry, Instant::now());
            self.plan_save();
        }
    }

    /// When there is something to do though nothing comes in.
    fn next_wake(&self) -> Instant {
        let retries = self.tenures.values().filter_map(|tenure| tenure.lanes.next_wake());
        let reading = (self.reads_from > Instant::now()).then_some(self.reads_from);
        retries.chain(self.save_at).chain(reading).fold(self.next_beat, Instant::min)
    }

    /// Lets a failure be that may pass; the next beat tries again.
    fn tolerate(&self, outcome: Result<(), GroupError>) -> Result<(), GroupError> {
        match outcome {
            Err(error) if error.is_retryable() => {
                let error: &dyn StdError = &error;
                tracing::warn!(error, member = %self.id, group = self.core.streams.name(), "a member has to wait");
                Ok(())
            }
            outcome => outcome,
        }
    }
}

/// The next event of the log; never, where nothing is read.
async fn next_record<B: EventStoreBackend>(
    reader: &mut Option<Subscription<B>>,
) -> Result<RecordedEvent, GroupError> {
    match reader {
        Some(reader) => Ok(reader.next().await?),
        None => future::pending().await,
    }
}
