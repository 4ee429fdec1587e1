//! Hearing of events: through a channel, and by catching up with history and going on live.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
};

use crate::support::{Fate, Watched, let_others_run, outcome_unknown, soon, unavailable, until};
use allframe_cqrs::{
    Error, EventFilter, EventStore, EventStoreBackend, ExpectedVersion, GlobalPosition, InMemoryBackend,
    StreamId, Version,
    api::{Encoding, EventType, NewEvent},
    event,
};
use futures_util::{FutureExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counted(u64);

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ignored;

fn counted(numbers: std::ops::RangeInclusive<u64>) -> Vec<Counted> {
    numbers.map(Counted).collect()
}

/// Appends an event that is stored as `Counted` and is none.
async fn append_garbage(backend: &InMemoryBackend) {
    let garbage =
        NewEvent::new(EventType::new("Counted").unwrap(), "no number").with_encoding(Encoding::JSON);
    backend.append(&StreamId::new("counter").unwrap(), ExpectedVersion::Any, vec![garbage]).await.unwrap();
}

mod channel {
    use super::*;

    #[tokio::test]
    async fn a_subscriber_hears_every_event_that_is_stored_from_now_on_in_order() {
        let store = EventStore::new();
        store.append("counter", vec![Counted(0)]).await.unwrap();
        let (sender, mut receiver) = mpsc::channel(100);
        store.subscribe(sender).await.unwrap();
        store.append("counter", counted(1..=3)).await.unwrap();
        store.append("another", counted(4..=5)).await.unwrap();
        for number in 1..=5 {
            assert_eq!(soon(receiver.recv()).await, Some(Counted(number)));
        }
        let_others_run().await;
        assert!(receiver.is_empty());
    }

    #[tokio::test]
    async fn a_subscriber_hears_nothing_of_an_append_that_failed() {
        let second_goes = |number| if number == 2 { Fate::Goes } else { Fate::Fails(unavailable()) };
        let store = EventStore::<Counted, _>::with_backend(Watched::with_fates(second_goes));
        let (sender, mut receiver) = mpsc::channel(100);
        store.subscribe(sender).await.unwrap();
        store.append("counter", vec![Counted(1)]).await.unwrap_err();
        let_others_run().await;
        assert!(receiver.is_empty());

        store.append("counter", vec![Counted(2)]).await.unwrap();
        assert_eq!(soon(receiver.recv()).await, Some(Counted(2)), "the one that was stored");
    }

    #[tokio::test]
    async fn a_subscriber_hears_of_an_append_that_was_stored_though_its_answer_was_lost() {
        let lost = |_| Fate::StoredButAnswers(outcome_unknown());
        let store = EventStore::<Counted, _>::with_backend(Watched::with_fates(lost));
        let (sender, mut receiver) = mpsc::channel(100);
        store.subscribe(sender).await.unwrap();
        store.append("counter", vec![Counted(1)]).await.unwrap_err();
        assert_eq!(soon(receiver.recv()).await, Some(Counted(1)));
    }

    #[tokio::test]
    async fn when_a_subscriber_hears_of_an_event_it_can_be_read() {
        let store = EventStore::new();
        let (sender, mut receiver) = mpsc::channel(1);
        store.subscribe(sender).await.unwrap();
        let writer = store.clone();
        let writing = tokio::spawn(async move {
            for number in 1..=100 {
                writer.append("counter", vec![Counted(number)]).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        for number in 1..=100 {
            assert_eq!(soon(receiver.recv()).await, Some(Counted(number)));
            let stored = store.get_events_after("counter", number - 1).await.unwrap();
            assert_eq!(stored.first(), Some(&Counted(number)));
        }
        writing.await.unwrap();
    }

    #[tokio::test]
    async fn events_of_other_handles_are_heard_and_those_of_other_types_are_not() {
        let backend = InMemoryBackend::new();
        let store = EventStore::with_backend(backend.clone());
        let (sender, mut receiver) = mpsc::channel(100);
        store.subscribe(sender).await.unwrap();
        EventStore::with_backend(backend.clone()).append("counter", vec![Ignored]).await.unwrap();
        EventStore::with_backend(backend).append("counter", vec![Counted(1)]).await.unwrap();
        assert_eq!(soon(receiver.recv()).await, Some(Counted(1)));
    }

    #[tokio::test]
    async fn a_slow_receiver_holds_up_no_append_and_misses_nothing() {
        let store = EventStore::new();
        let (sender, mut receiver) = mpsc::channel(1);
        store.subscribe(sender).await.unwrap();
        for number in 1..=2_000 {
            soon(store.append("counter", vec![Counted(number)])).await.unwrap();
        }
        for number in 1..=2_000 {
            assert_eq!(soon(receiver.recv()).await, Some(Counted(number)));
        }
    }

    #[tokio::test]
    async fn every_subscriber_hears_every_event() {
        let store = EventStore::new();
        let (first_sender, mut first) = mpsc::channel(10);
        let (second_sender, mut second) = mpsc::channel(10);
        store.subscribe(first_sender).await.unwrap();
        store.subscribe(second_sender).await.unwrap();
        store.append("counter", vec![Counted(1)]).await.unwrap();
        assert_eq!(soon(first.recv()).await, Some(Counted(1)));
        assert_eq!(soon(second.recv()).await, Some(Counted(1)));
    }

    /// A subscribed store; the weak reference tells when the last task that uses its backend is gone.
    async fn subscribed(
        capacity: usize,
    ) -> (EventStore<Counted, Arc<InMemoryBackend>>, mpsc::Receiver<Counted>, Weak<InMemoryBackend>) {
        let backend = Arc::new(InMemoryBackend::new());
        let weak = Arc::downgrade(&backend);
        let store = EventStore::with_backend(backend);
        let (sender, receiver) = mpsc::channel(capacity);
        store.subscribe(sender).await.unwrap();
        (store, receiver, weak)
    }

    #[tokio::test]
    async fn a_dropped_receiver_ends_the_task_while_nothing_is_appended() {
        let (store, receiver, backend) = subscribed(10).await;
        drop(store);
        let_others_run().await;
        assert!(backend.upgrade().is_some(), "the subscription lives on");
        drop(receiver);
        until(|| backend.upgrade().is_none()).await;
    }

    #[tokio::test]
    async fn a_dropped_receiver_ends_the_task_while_its_channel_is_full() {
        let (store, receiver, backend) = subscribed(1).await;
        store.append("counter", counted(1..=5)).await.unwrap();
        until(|| receiver.len() == 1).await;
        drop((store, receiver));
        until(|| backend.upgrade().is_none()).await;
    }

    #[tokio::test]
    async fn an_event_that_cannot_be_read_ends_the_channel_after_those_before_it() {
        let backend = InMemoryBackend::new();
        let store = EventStore::<Counted>::with_backend(backend.clone());
        let (sender, mut receiver) = mpsc::channel(10);
        store.subscribe(sender).await.unwrap();
        store.append("counter", vec![Counted(1)]).await.unwrap();
        append_garbage(&backend).await;
        store.append("counter", vec![Counted(3)]).await.unwrap();
        assert_eq!(soon(receiver.recv()).await, Some(Counted(1)));
        assert_eq!(soon(receiver.recv()).await, None);
    }

    #[test]
    fn outside_a_runtime_subscribing_is_an_error_that_says_so() {
        let store = EventStore::<Counted>::new();
        let (sender, _receiver) = mpsc::channel(10);
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(answer) = pin!(store.subscribe(sender)).poll(&mut context) else {
            panic!("there is nothing to wait for")
        };
        assert!(matches!(answer, Err(Error::NoRuntime)), "{answer:?}");
    }
}

mod catch_up {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn history_goes_over_into_live_events_without_a_seam_while_many_append() {
        const WRITERS: u64 = 8;
        const EACH: u64 = 500;
        let store = EventStore::new();
        let write = |writer: u64, store: EventStore<Counted>| async move {
            for number in 1..=EACH {
                store.append(format!("counter-{writer}"), vec![Counted(number)]).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let writing: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(writer, store.clone()))).collect();

        let mut events = store.catch_up(GlobalPosition::START, EventFilter::all()).with_page_size(16);
        let mut heard = Vec::new();
        while heard.len() < usize::try_from(WRITERS * EACH).unwrap() {
            heard.push(soon(events.next()).await.unwrap());
        }
        futures_util::future::try_join_all(writing).await.unwrap();

        assert!(heard.is_sorted_by(|a, b| a.position() < b.position()), "once each, and in order");
        for writer in 0..WRITERS {
            let stream = format!("counter-{writer}");
            let of_stream: Vec<_> = heard
                .iter()
                .filter(|recorded| recorded.stream().as_str() == stream)
                .map(|recorded| recorded.event.clone())
                .collect();
            assert_eq!(of_stream, counted(1..=EACH));
        }
        assert!(events.next().now_or_never().is_none(), "there is no more");
    }

    #[tokio::test]
    async fn an_event_that_is_awaited_comes_when_it_is_stored() {
        let store = EventStore::new();
        let mut events = store.catch_up(GlobalPosition::START, EventFilter::all());
        assert!(events.next().now_or_never().is_none());
        let awaited = tokio::spawn(async move { events.next().await.unwrap().event });
        let_others_run().await;
        assert!(!awaited.is_finished());
        store.append("counter", vec![Counted(1)]).await.unwrap();
        assert_eq!(soon(awaited).await.unwrap(), Counted(1));
    }

    #[tokio::test]
    async fn a_dropped_wait_loses_nothing() {
        let store = EventStore::new();
        let mut events = store.catch_up(GlobalPosition::START, EventFilter::all());
        assert!(events.next().now_or_never().is_none());
        store.append("counter", counted(1..=2)).await.unwrap();
        assert_eq!(soon(events.next()).await.unwrap().event, Counted(1));
        assert_eq!(soon(events.next()).await.unwrap().event, Counted(2));
    }

    #[tokio::test]
    async fn what_is_stored_is_handed_out_and_then_none_until_there_is_more() {
        let store = EventStore::new();
        store.append("counter", counted(1..=5)).await.unwrap();
        let mut events = store.catch_up(GlobalPosition::START, EventFilter::all()).with_page_size(2);
        for number in 1..=5 {
            assert_eq!(events.next_stored().await.unwrap().unwrap().event, Counted(number));
        }
        assert!(events.next_stored().await.unwrap().is_none());
        store.append("counter", vec![Counted(6)]).await.unwrap();
        assert_eq!(events.next_stored().await.unwrap().unwrap().event, Counted(6));
        assert!(events.next_stored().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn the_position_is_a_checkpoint_from_where_another_subscription_goes_on() {
        let store = EventStore::new();
        store.append("counter", counted(1..=20)).await.unwrap();
        for page_size in [1, 3, 20] {
            let mut checkpoint = GlobalPosition::START;
            for number in 1..=20 {
                let mut events = store.catch_up(checkpoint, EventFilter::all()).with_page_size(page_size);
                assert_eq!(events.next().await.unwrap().event, Counted(number));
                checkpoint = events.position();
            }
            let mut events = store.catch_up(checkpoint, EventFilter::all());
            assert!(events.next_stored().await.unwrap().is_none());
        }
    }

    #[tokio::test]
    async fn the_checkpoint_moves_past_events_that_do_not_pass_the_filter() {
        let backend = InMemoryBackend::new();
        let store = EventStore::with_backend(backend.clone());
        store.append("counter", vec![Counted(1)]).await.unwrap();
        EventStore::with_backend(backend).append("other", vec![Ignored; 50]).await.unwrap();
        let mut events = store.catch_up(GlobalPosition::START, EventFilter::all());
        assert_eq!(events.next().await.unwrap().event, Counted(1));
        assert!(events.next_stored().await.unwrap().is_none());
        assert_eq!(events.position(), store.stats().await.unwrap().head);
    }

    #[tokio::test]
    async fn a_filter_chooses_among_the_events() {
        let store = EventStore::new();
        store.append("even-1", vec![Counted(2)]).await.unwrap();
        store.append("odd-1", vec![Counted(1)]).await.unwrap();
        let mut odd = store.catch_up(GlobalPosition::START, EventFilter::stream_prefix("odd-"));
        assert_eq!(odd.next().await.unwrap().event, Counted(1));
        store.append("even-1", vec![Counted(4)]).await.unwrap();
        assert!(odd.next().now_or_never().is_none());
        store.append("odd-1", vec![Counted(3)]).await.unwrap();
        assert_eq!(soon(odd.next()).await.unwrap().event, Counted(3));
    }

    #[tokio::test]
    async fn an_event_that_cannot_be_read_is_an_error_and_the_next_call_goes_on_behind_it() {
        let backend = InMemoryBackend::new();
        let store = EventStore::<Counted>::with_backend(backend.clone());
        store.append("counter", vec![Counted(1)]).await.unwrap();
        append_garbage(&backend).await;
        store.append("counter", vec![Counted(3)]).await.unwrap();

        let mut events = store.catch_up(GlobalPosition::START, EventFilter::all());
        assert_eq!(events.next().await.unwrap().event, Counted(1));
        let Err(Error::Decode(error)) = events.next().await else { panic!("garbage was read") };
        assert_eq!((error.stream.as_str(), error.version), ("counter", Version::new(2)));
        assert!(events.position() < error.position, "whoever resumes at the checkpoint meets it again");
        let last = events.next().await.unwrap();
        assert_eq!((last.event.clone(), events.position()), (Counted(3), last.position()));
    }

    #[tokio::test]
    async fn it_holds_no_more_than_a_page_of_events() {
        let store = EventStore::<Counted, _>::with_backend(Watched::new());
        store.append("counter", counted(1..=5_000)).await.unwrap();
        let mut events = store.catch_up(GlobalPosition::START, EventFilter::all()).with_page_size(10);
        for number in 1..=5_000 {
            assert_eq!(events.next().await.unwrap().event, Counted(number));
        }
        assert_eq!(store.backend().largest_page(), 10);
    }

    #[tokio::test]
    async fn as_a_stream_it_yields_the_same_events_and_ends_after_an_error() {
        let backend = InMemoryBackend::new();
        let store = EventStore::<Counted>::with_backend(backend.clone());
        store.append("counter", counted(1..=2)).await.unwrap();
        let mut events = store.catch_up(GlobalPosition::START, EventFilter::all()).into_stream();
        assert_eq!(soon(events.next()).await.unwrap().unwrap().event, Counted(1));
        assert_eq!(soon(events.next()).await.unwrap().unwrap().event, Counted(2));
        append_garbage(&backend).await;
        assert!(matches!(soon(events.next()).await, Some(Err(Error::Decode(_)))));
        assert!(soon(events.next()).await.is_none());
    }
}
