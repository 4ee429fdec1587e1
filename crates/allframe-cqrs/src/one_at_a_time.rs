use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use eventstore_api::StreamId;
use tokio::sync::OwnedMutexGuard;

type Turn = Arc<tokio::sync::Mutex<()>>;

/// Lets one task at a time work on a stream. It holds an entry only for streams that somebody works on now.
#[derive(Default)]
pub(crate) struct OneAtATime {
    turns: Arc<Mutex<HashMap<StreamId, Turn>>>,
}

/// The turn of one task; dropping it lets the next one go on.
pub(crate) struct InTurn {
    turns: Arc<Mutex<HashMap<StreamId, Turn>>>,
    stream: StreamId,
    turn: Option<Turn>,
    guard: Option<OwnedMutexGuard<()>>,
}

impl OneAtATime {
    /// Waits for those who came first. Dropping the future early gives the place in the queue up.
    pub(crate) async fn enter(&self, stream: &StreamId) -> InTurn {
        // Made before waiting, so that it cleans up after a future that is dropped while it waits.
        let (turn, mut entered) = self.join(stream);
        entered.guard = Some(turn.lock_owned().await);
        entered
    }

    /// Waits for those who came first, where there are any.
    pub(crate) async fn enter_if_taken(&self, stream: &StreamId) -> Option<InTurn> {
        let is_taken = self.turns.lock().unwrap_or_else(PoisonError::into_inner).contains_key(stream);
        if is_taken { Some(self.enter(stream).await) } else { None }
    }

    /// The turn, unless somebody else has it.
    pub(crate) fn try_enter(&self, stream: &StreamId) -> Option<InTurn> {
        let (turn, mut entered) = self.join(stream);
        entered.guard = Some(turn.try_lock_owned().ok()?);
        Some(entered)
    }

    fn join(&self, stream: &StreamId) -> (Turn, InTurn) {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(stream.clone()).or_default())
        };
        let entered = InTurn {
            turns: Arc::clone(&self.turns),
            stream: stream.clone(),
            turn: Some(Arc::clone(&turn)),
            guard: None,
        };
        (turn, entered)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for InTurn {
    fn drop(&mut self) {
        self.guard = None;
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        self.turn = None;
        // Nobody can join while the map is locked: whoever is alone with the map's own is nobody.
        if turns.get(&self.stream).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            turns.remove(&self.stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;

    fn stream(name: &str) -> StreamId {
        StreamId::try_from(name).unwrap()
    }

    #[tokio::test]
    async fn the_second_of_a_stream_waits_and_another_stream_does_not() {
        let (streams, a) = (OneAtATime::default(), stream("a"));
        let first = streams.enter(&a).await;
        let mut second = pin!(streams.enter(&a));
        assert!(poll!(&mut second).is_pending());
        drop(streams.enter(&stream("b")).await);
        drop(first);
        assert!(poll!(&mut second).is_ready());
    }

    #[tokio::test]
    async fn who_needs_no_turn_takes_none_where_nobody_has_it_and_waits_where_somebody_has() {
        let (streams, a) = (OneAtATime::default(), stream("a"));
        assert!(streams.enter_if_taken(&a).await.is_none());
        let first = streams.enter(&a).await;
        let mut second = pin!(streams.enter_if_taken(&a));
        assert!(poll!(&mut second).is_pending());
        drop(first);
        assert!(second.await.is_some());
        assert_eq!(streams.len(), 0);
    }

    #[tokio::test]
    async fn nothing_is_left_when_all_are_gone_also_of_one_that_gave_up() {
        let (streams, a) = (OneAtATime::default(), stream("a"));
        let first = streams.enter(&a).await;
        {
            let mut gives_up = pin!(streams.enter(&a));
            assert!(poll!(&mut gives_up).is_pending());
        }
        assert!(streams.try_enter(&a).is_none());
        assert_eq!(streams.len(), 1);
        drop(first);
        assert_eq!(streams.len(), 0);
        drop(streams.try_enter(&a).unwrap());
        assert_eq!(streams.len(), 0);
    }
}
