use eventstore_api::Result;

/// What appends go into, one group after the other: the part of a store that a [`Writer`](crate::Writer) has for itself.
///
/// No two of its methods run at the same time. They run on the writer's thread, except for appends that are
/// [taken at once](Self::takes_at_once).
///
/// An engine may panic, which it should not. Nothing more of it is called then, since nobody knows what it has left behind: it
/// is dropped, on the writer's thread, and whoever waits or comes later is told. So what has to end before the files are let
/// go (a thread that is still at them, say) ends when the engine is dropped, too.
pub trait Engine: Send + 'static {
    /// An append on its way to the store. As much as possible of the work on it is best done by whoever makes it.
    type Request: Send + 'static;
    /// What becomes of one that is stored.
    type Output: Send + 'static;

    /// Does what it can of these, one after the other, and answers in the same order, when all of it is as durable as the
    /// durability says. One answer for each: a request without one counts as one whose outcome is unknown.
    ///
    /// There is always at least one. What of it is refused is no reason not to do the rest.
    fn commit<'r>(
        &mut self,
        requests: impl ExactSizeIterator<Item = &'r Self::Request> + Clone,
    ) -> Vec<Result<Self::Output>>;

    /// Those whose requests were committed have their answers: the time to hand out what can wait, to a thread for it.
    /// Nothing, unless an engine has something.
    fn after_commit(&mut self) {}

    /// Makes everything durable that was answered. Called for whoever asks for it, and when an
    /// [interval](crate::Durability::Interval) is over in which there was always something to do.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`](eventstore_api::StoreError::Storage) when it has failed, now or before. In an interval nobody
    /// hears it: log it.
    fn flush(&mut self) -> Result<()>;

    /// Nothing waits any more. Where the durability is an [interval](crate::Durability::Interval), that is over: what was
    /// answered and is not durable is to be made so. Else [`idle_after`](crate::WriterOptions::idle_after) has gone by since the
    /// last commit: the time for what is worth a sync only when nothing else is to be done.
    ///
    /// Not called of an engine that [has failed](Self::has_failed).
    ///
    /// # Errors
    ///
    /// Nobody waits for it: it is logged.
    fn on_idle(&mut self) -> Result<()>;

    /// Whether it takes nothing more after a failure. It goes on being asked to commit, and refuses.
    fn has_failed(&self) -> bool;

    /// Whether these can be committed without waiting for the disk. Where no sync is waited for
    /// ([`Durability::Always`](crate::Durability::Always) does), it is then done on the thread of whoever appends: the way to
    /// another thread and back takes longer than an append in memory. Asked with locks held, so the answer is to be near.
    ///
    /// False, unless an engine knows better.
    fn takes_at_once<'r>(&self, requests: impl ExactSizeIterator<Item = &'r Self::Request> + Clone) -> bool {
        let _ = requests;
        false
    }

    /// Closes in good order, and lets go of the files. Takes as long as the disk does.
    ///
    /// # Errors
    ///
    /// [`StoreError::Storage`](eventstore_api::StoreError::Storage) when it has failed, now or before. Everybody who comes
    /// later is told the same.
    fn close(self) -> Result<()>;
}
