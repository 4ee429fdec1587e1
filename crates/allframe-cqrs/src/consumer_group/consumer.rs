use std::{fmt, sync::Arc};

use eventstore_api::EventStoreBackend;
use tokio::{
    runtime::Handle,
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender},
        oneshot,
    },
    task::JoinHandle,
};

use super::{
    Delivery, GroupError, MemberId, PartitionStatus,
    member::{Member, Message},
    settings::GroupCore,
    status::stored_status,
};
use crate::{Error, Event, Panicked};

/// A member of a consumer group: hands out the events of its partitions.
///
/// A task of its own renews its leases, reads the store and writes checkpoints. [Close](Self::close) it, so that others
/// take over at once; after a drop they do when the lease has run out.
pub struct Consumer<E, B> {
    id: MemberId,
    core: Arc<GroupCore<E, B>>,
    deliveries: UnboundedReceiver<Delivery<E>>,
    requests: UnboundedSender<Message>,
    task: JoinHandle<Result<(), GroupError>>,
    /// Why the task ended, once that is known.
    ended: Option<GroupError>,
}

impl<E: Event, B: EventStoreBackend> Consumer<E, B> {
    pub(super) fn begin(core: Arc<GroupCore<E, B>>) -> Result<Self, GroupError> {
        let runtime = Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let id = MemberId::generate();
        let (member, deliveries, requests) = Member::new(id.clone(), Arc::clone(&core));
        let task = runtime.spawn(member.run());
        Ok(Self { id, core, deliveries, requests, task, ended: None })
    }

    /// Who this is among the members.
    #[must_use]
    pub fn id(&self) -> &MemberId {
        &self.id
    }

    /// The next event, as soon as there is one for this member.
    ///
    /// Dropping the returned future loses nothing. Several events may be out at a time, each of another key.
    ///
    /// # Errors
    ///
    /// What ended the member, now and with each further call: a store that is closed or damaged, control events of a
    /// newer form, a function for keys or other code of yours that panicked. A store that cannot answer for now only makes it wait.
    pub async fn next(&mut self) -> Result<Delivery<E>, GroupError> {
        loop {
            match self.deliveries.recv().await {
                Some(delivery) if delivery.is_current() => return Ok(delivery),
                // Its partition was lost while it waited here: it is another member's.
                Some(stale) => stale.forget(),
                None => return Err(self.why_ended().await),
            }
        }
    }

    /// How each partition stands, with the deliveries that are out at this member.
    ///
    /// # Errors
    ///
    /// As [`ConsumerGroup::status`](super::ConsumerGroup::status), and as [`Consumer::next`].
    pub async fn status(&mut self) -> Result<Vec<PartitionStatus>, GroupError> {
        let (answer, in_flight) = oneshot::channel();
        let in_flight = match self.requests.send(Message::Status(answer)) {
            Ok(()) => in_flight.await,
            Err(_) => return Err(self.why_ended().await),
        };
        let Ok(in_flight) = in_flight else { return Err(self.why_ended().await) };
        let mut statuses = stored_status(&self.core).await?;
        for status in &mut statuses {
            status.in_flight = in_flight.get(&status.partition).copied();
        }
        Ok(statuses)
    }

    /// Writes a last checkpoint with all that was acknowledged, and gives up the partitions, so that others take over at
    /// once. Does not wait for deliveries that are out: they are delivered again by others.
    ///
    /// Dropping the future early is as dropping the consumer.
    ///
    /// # Errors
    ///
    /// What kept it from writing; others then take over when the lease has run out.
    pub async fn close(mut self) -> Result<(), GroupError> {
        let (answer, closed) = oneshot::channel();
        if self.requests.send(Message::Close(answer)).is_err() {
            return Err(self.why_ended().await);
        }
        match closed.await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.why_ended().await),
        }
    }

    async fn why_ended(&mut self) -> GroupError {
        if let Some(error) = &self.ended {
            return error.clone();
        }
        let error = match (&mut self.task).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) => GroupError::Ended,
            Err(ended) => match ended.try_into_panic() {
                Ok(payload) => GroupError::MemberPanicked { source: Panicked::new(&*payload) },
                Err(_) => GroupError::Ended,
            },
        };
        self.ended.insert(error).clone()
    }
}

impl<E, B> Drop for Consumer<E, B> {
    fn drop(&mut self) {
        self.task.abort();
        // The task ends only when it gives way. What nobody was handed must not count as failed until then.
        self.deliveries.close();
        while let Ok(unseen) = self.deliveries.try_recv() {
            unseen.forget();
        }
    }
}

impl<E, B> fmt::Debug for Consumer<E, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("id", &self.id).field("group", &self.core).finish_non_exhaustive()
    }
}
