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
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(stream.clone()).or_default())
        };
        // Made before waiting, so that it cleans up after a future that is dropped while it waits.
        let mut entered = InTurn {
            turns: Arc::clone(&self.turns),
            stream: stream.clone(),
            turn: Some(Arc::clone(&turn)),
            guard: None,
        };
        entered.guard = Some(turn.lock_owned().await);
        entered
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
    async fn nothing_is_left_when_all_are_gone_also_of_one_that_gave_up() {
        let (streams, a) = (OneAtATime::default(), stream("a"));
        let first = streams.enter(&a).await;
        {
            let mut gives_up = pin!(streams.enter(&a));
            assert!(poll!(&mut gives_up).is_pending());
        }
        assert_eq!(streams.len(), 1);
        drop(first);
        assert_eq!(streams.len(), 0);
    }
}
