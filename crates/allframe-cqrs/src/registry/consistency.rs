/// What whoever reads a projection may rely on.
///
/// Whatever is chosen, a read sees the state after exactly the first events of the order, up to a
/// [position](super::View::position), and [`wait_until`](super::ProjectionHandle::wait_until) waits for any position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consistency {
    /// A read answers at once, with the state as it is: mostly some microseconds behind the store.
    #[default]
    Eventual,
    /// A read waits until everything is applied that was stored when it began, by whomever. A projection that is paused or
    /// has stopped answers with an error instead.
    ReadYourWrites,
    /// An append answers when the projection has applied it: every append through the
    /// [`EventStore`](crate::EventStore) that the registry was given, its clones, and the batches and repositories on them.
    /// An append never fails because of a projection, nor waits for one that is paused or has stopped: its events are
    /// stored. Reads answer at once.
    Inline,
}
