//! Appending typed events, and every way of reading them back.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::sync::Arc;

use crate::support::{Fate, Watched};
use allframe_cqrs::{
    Criterion, Error, EventFilter, EventStore, EventStoreBackend, ExpectedVersion, GlobalPosition,
    InMemoryBackend, InvalidInput, Projection, ReadAll, Recorded, Result, StoreError, StreamId, StreamRange,
    Tags, Version, api::EventType, event,
};
use futures_util::{Stream, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum AccountEvent {
    Opened {
        #[tag]
        owner: String,
    },
    Deposited(u64),
    Closed,
}

use AccountEvent::{Closed, Deposited, Opened};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shipped {
    parcel: u32,
}

fn opened(owner: &str) -> AccountEvent {
    Opened { owner: owner.to_owned() }
}

fn deposits(numbers: std::ops::RangeInclusive<u64>) -> Vec<AccountEvent> {
    numbers.map(Deposited).collect()
}

async fn events(stream: impl Stream<Item = Result<Recorded<AccountEvent>>>) -> Vec<AccountEvent> {
    stream.map_ok(|recorded| recorded.event).try_collect().await.unwrap()
}

#[tokio::test]
async fn what_was_appended_is_read_in_its_order() {
    let store = EventStore::new();
    store.append("account-1", vec![opened("ann"), Deposited(1)]).await.unwrap();
    store.append("account-1", vec![Closed]).await.unwrap();
    assert_eq!(store.get_events("account-1").await.unwrap(), [opened("ann"), Deposited(1), Closed]);
}

#[tokio::test]
async fn an_append_answers_where_its_events_stand() {
    let store = EventStore::new();
    let first = store.append("account-1", vec![opened("ann"), Deposited(1)]).await.unwrap();
    let second = store.append("account-1", vec![Closed]).await.unwrap();
    assert_eq!((first.first_version, first.last_version), (Version::new(1), Version::new(2)));
    assert_eq!((second.first_version, second.last_version), (Version::new(3), Version::new(3)));
    assert!(second.first_position > first.last_position);
}

#[tokio::test]
async fn a_stream_that_was_never_written_reads_as_empty() {
    let store = EventStore::<AccountEvent>::new();
    assert_eq!(store.get_events("account-1").await.unwrap(), []);
}

#[tokio::test]
async fn an_append_without_events_is_refused() {
    let store = EventStore::<AccountEvent>::new();
    let refused = store.append("account-1", vec![]).await.unwrap_err();
    assert!(matches!(refused, Error::Store(StoreError::InvalidInput(InvalidInput::NoEvents { .. }))));
}

#[tokio::test]
async fn an_append_whose_guard_does_not_hold_stores_nothing_and_says_the_true_version() {
    let store = EventStore::new();
    store.append("account-1", vec![opened("ann")]).await.unwrap();
    for expected in [ExpectedVersion::NoStream, ExpectedVersion::Exact(Version::new(2))] {
        let refused = store.append_expecting("account-1", expected, vec![Closed]).await.unwrap_err();
        assert!(refused.is_conflict());
        let Error::Store(StoreError::WrongExpectedVersion { actual, .. }) = refused else {
            panic!("not a conflict: {refused:?}")
        };
        assert_eq!(actual, Version::new(1));
    }
    assert_eq!(store.get_events("account-1").await.unwrap(), [opened("ann")]);
}

#[tokio::test]
async fn of_concurrent_appends_under_the_same_guard_one_wins() {
    let store = EventStore::new();
    let appends = (0..64).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            store.append_expecting("account-1", ExpectedVersion::NoStream, vec![Deposited(number)]).await
        })
    });
    let answers = futures_util::future::join_all(appends.collect::<Vec<_>>()).await;
    let won = answers.into_iter().filter(|answer| answer.as_ref().unwrap().is_ok()).count();
    assert_eq!((won, store.get_events("account-1").await.unwrap().len()), (1, 1));
}

#[tokio::test]
async fn events_after_a_version_are_asked_for_with_a_literal_a_number_or_a_version() {
    let store = EventStore::new();
    store.append("account-1", deposits(1..=4)).await.unwrap();
    let number: u64 = 2;
    let expected = deposits(3..=4);
    assert_eq!(store.get_events_after("account-1", 2).await.unwrap(), expected);
    assert_eq!(store.get_events_after("account-1", number).await.unwrap(), expected);
    assert_eq!(store.get_events_after("account-1", Version::new(2)).await.unwrap(), expected);
    assert_eq!(store.get_events_after("account-1", 4).await.unwrap(), []);
    assert_eq!(store.get_events_after("account-1", u64::MAX).await.unwrap(), []);
}

#[tokio::test]
async fn a_stream_can_be_named_by_whatever_reads_as_text() {
    let store = EventStore::new();
    let id = StreamId::new("account-1").unwrap();
    let text = String::from("account-1");
    store.append("account-1", vec![Deposited(1)]).await.unwrap();
    store.append(text.clone(), vec![Deposited(2)]).await.unwrap();
    store.append(&text, vec![Deposited(3)]).await.unwrap();
    store.append(text.as_str(), vec![Deposited(4)]).await.unwrap();
    store.append(&id, vec![Deposited(5)]).await.unwrap();
    store.append(id, vec![Deposited(6)]).await.unwrap();
    assert_eq!(store.get_events("account-1").await.unwrap(), deposits(1..=6));
}

#[tokio::test]
async fn what_is_no_stream_id_is_refused_by_every_call() {
    let store = EventStore::new();
    for illegal in [String::new(), "two\nlines".to_owned(), "x".repeat(513)] {
        let appended = store.append(&illegal, vec![Closed]).await;
        let read = store.get_events(&illegal).await;
        let paged = store.read_stream(&illegal, StreamRange::all()).map(drop);
        for refused in [appended.map(drop), read.map(drop), paged] {
            assert!(matches!(refused, Err(Error::Store(StoreError::InvalidInput(_)))), "{refused:?}");
        }
    }
    assert_eq!(store.stats().await.unwrap().total_events, 0);
}

#[tokio::test]
async fn all_events_come_in_the_order_of_their_appends_across_streams() {
    let store = EventStore::new();
    store.append("account-2", vec![Deposited(1)]).await.unwrap();
    store.append("account-1", vec![Deposited(2)]).await.unwrap();
    store.append("account-2", vec![Deposited(3)]).await.unwrap();
    assert_eq!(store.get_all_events().await.unwrap(), deposits(1..=3));
}

#[tokio::test]
async fn two_types_of_events_share_a_backend_and_each_store_sees_its_own() {
    let backend = Arc::new(InMemoryBackend::new());
    let accounts = EventStore::<AccountEvent, _>::with_backend(Arc::clone(&backend));
    let parcels = EventStore::<Shipped, _>::with_backend(Arc::clone(&backend));
    for number in 1..=3 {
        accounts.append("account-1", vec![Deposited(number)]).await.unwrap();
        parcels.append(format!("parcel-{number}"), vec![Shipped { parcel: 9 }]).await.unwrap();
    }
    assert_eq!(accounts.get_all_events().await.unwrap(), deposits(1..=3));
    assert_eq!(parcels.get_all_events().await.unwrap(), vec![Shipped { parcel: 9 }; 3]);
    assert_eq!(events(accounts.read_all(ReadAll::forward())).await, deposits(1..=3));
    assert_eq!(accounts.stats().await.unwrap().total_events, 6, "the backend's, not the type's");
    assert_eq!(parcels.stats().await.unwrap(), accounts.stats().await.unwrap());
}

#[tokio::test]
async fn a_stream_that_holds_a_foreign_event_is_an_error_that_names_it() {
    let backend = Arc::new(InMemoryBackend::new());
    let accounts = EventStore::<AccountEvent, _>::with_backend(Arc::clone(&backend));
    accounts.append("account-1", vec![Deposited(1)]).await.unwrap();
    EventStore::with_backend(backend).append("account-1", vec![Shipped { parcel: 9 }]).await.unwrap();
    let Error::Decode(error) = accounts.get_events("account-1").await.unwrap_err() else {
        panic!("not a decode error")
    };
    assert_eq!((error.stream.as_str(), error.version), ("account-1", Version::new(2)));
    assert_eq!(error.event_type.as_str(), "Shipped");
}

#[tokio::test]
async fn a_backend_chosen_at_run_time_serves_as_well() {
    let backend: Arc<dyn EventStoreBackend> = Arc::new(InMemoryBackend::new());
    let store = EventStore::<AccountEvent, _>::with_backend(Arc::clone(&backend));
    store.append("account-1", deposits(1..=2)).await.unwrap();
    assert_eq!(store.get_events("account-1").await.unwrap(), deposits(1..=2));
    assert_eq!(backend.stats().await.unwrap().total_events, 2);
    let mut history = store.catch_up(GlobalPosition::START, EventFilter::all());
    assert_eq!(history.next().await.unwrap().event, Deposited(1));
}

#[tokio::test]
async fn a_clone_of_a_store_is_another_handle_to_the_same_events() {
    let store = EventStore::new();
    store.clone().append("account-1", vec![Closed]).await.unwrap();
    assert_eq!(store.get_events("account-1").await.unwrap(), [Closed]);
}

#[tokio::test]
async fn a_stream_is_read_in_both_directions_from_any_place() {
    let store = EventStore::new();
    store.append("account-1", deposits(1..=6)).await.unwrap();
    for (range, numbers) in [
        (StreamRange::all(), vec![1, 2, 3, 4, 5, 6]),
        (StreamRange::after(Version::new(4)), vec![5, 6]),
        (StreamRange::after(Version::new(1)).limit(2), vec![2, 3]),
        (StreamRange::backward(), vec![6, 5, 4, 3, 2, 1]),
        (StreamRange::backward().limit(1), vec![6]),
        (StreamRange::before(Version::new(3)), vec![2, 1]),
        (StreamRange::all().limit(0), vec![]),
        (StreamRange::after(Version::new(6)), vec![]),
        (StreamRange::before(Version::new(1)), vec![]),
    ] {
        let read = events(store.read_stream("account-1", range).unwrap()).await;
        assert_eq!(read, numbers.into_iter().map(Deposited).collect::<Vec<_>>(), "{range:?}");
    }
}

#[tokio::test]
async fn a_read_record_carries_everything_that_is_known_of_its_event() {
    let store = EventStore::new();
    let appended = store.append("account-1", vec![Closed, opened("ann")]).await.unwrap();
    let recorded: Vec<Recorded<AccountEvent>> =
        store.read_stream("account-1", StreamRange::all()).unwrap().try_collect().await.unwrap();
    let last = &recorded[1];
    assert_eq!((last.stream().as_str(), last.version()), ("account-1", Version::new(2)));
    assert_eq!(last.position(), appended.last_position);
    assert_ne!(last.id(), recorded[0].id());
    assert!(last.recorded_at() >= recorded[0].recorded_at() && last.metadata().is_empty());
    assert!(last.record.tags.contains("owner:ann"));
}

#[tokio::test]
async fn long_streams_are_read_page_by_page_without_a_hole() {
    let count = 3 * ReadAll::DEFAULT_LIMIT as u64 + 7;
    let store = EventStore::<AccountEvent, _>::with_backend(Watched::new());
    store.append("account-1", deposits(1..=count)).await.unwrap();

    let forward = events(store.read_stream("account-1", StreamRange::all()).unwrap()).await;
    assert_eq!(forward, deposits(1..=count));
    let backward = events(store.read_stream("account-1", StreamRange::backward()).unwrap()).await;
    assert_eq!(backward, deposits(1..=count).into_iter().rev().collect::<Vec<_>>());
    let limit = ReadAll::DEFAULT_LIMIT + 1;
    let limited = events(store.read_stream("account-1", StreamRange::all().limit(limit)).unwrap()).await;
    assert_eq!(limited, deposits(1..=limit as u64));
    assert_eq!(events(store.read_all(ReadAll::forward())).await, deposits(1..=count));
    assert_eq!(store.backend().largest_page(), ReadAll::DEFAULT_LIMIT);
}

#[tokio::test]
async fn a_short_page_of_a_stream_is_not_taken_for_its_end() {
    let store = EventStore::<AccountEvent, _>::with_backend(Watched::with_short_pages());
    store.append("account-1", deposits(1..=40)).await.unwrap();

    assert_eq!(store.get_events("account-1").await.unwrap(), deposits(1..=40));
    for (range, expected) in [
        (StreamRange::all(), (1..=40).collect::<Vec<_>>()),
        (StreamRange::all().limit(11), (1..=11).collect()),
        (StreamRange::backward(), (1..=40).rev().collect()),
        (StreamRange::before(Version::new(9)).limit(5), (4..=8).rev().collect()),
    ] {
        let read = events(store.read_stream("account-1", range).unwrap()).await;
        assert_eq!(read, expected.into_iter().map(Deposited).collect::<Vec<_>>(), "{range:?}");
    }
    assert_eq!(store.backend().largest_page(), 1);
}

#[tokio::test]
async fn a_stream_of_events_is_read_only_as_far_as_it_is_asked_for() {
    let store = EventStore::<AccountEvent, _>::with_backend(Watched::new());
    store.append("account-1", deposits(1..=2_000)).await.unwrap();
    let first: Vec<_> = store.read_all(ReadAll::forward().limit(10)).take(10).collect().await;
    assert_eq!((first.len(), store.backend().pages_read()), (10, 1));
}

#[tokio::test]
async fn all_events_are_read_in_both_directions_in_pages_of_any_size() {
    let store = EventStore::new();
    for number in 1..=25 {
        store.append(format!("account-{number}"), vec![Deposited(number)]).await.unwrap();
    }
    for limit in [1, 7, 25, 100] {
        assert_eq!(events(store.read_all(ReadAll::forward().limit(limit))).await, deposits(1..=25));
        let backward = events(store.read_all(ReadAll::backward().limit(limit))).await;
        assert_eq!(backward, deposits(1..=25).into_iter().rev().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_page_without_room_is_refused() {
    let store = EventStore::<AccountEvent>::new();
    let mut read = store.read_all(ReadAll::forward().limit(0));
    let refused = read.next().await.unwrap().unwrap_err();
    assert!(matches!(refused, Error::Store(StoreError::InvalidInput(InvalidInput::ZeroLimit))));
    assert!(read.next().await.is_none(), "the stream ends with the error");
}

/// Accounts of ann and bob, and parcels between them, on one backend.
async fn two_accounts_and_a_parcel() -> EventStore<AccountEvent, Arc<InMemoryBackend>> {
    let backend = Arc::new(InMemoryBackend::new());
    let store = EventStore::with_backend(Arc::clone(&backend));
    store.append("account-1", vec![opened("ann"), Deposited(1)]).await.unwrap();
    EventStore::with_backend(backend).append("parcel-1", vec![Shipped { parcel: 9 }]).await.unwrap();
    store.append("account-2", vec![opened("bob"), Deposited(2)]).await.unwrap();
    store.append("savings-1", vec![Deposited(3), Closed]).await.unwrap();
    store
}

#[tokio::test]
async fn a_filter_chooses_by_type_stream_and_tags_and_never_lets_foreign_events_in() {
    let store = two_accounts_and_a_parcel().await;
    let name = |name: &'static str| EventType::new(name).unwrap();
    let tags = |tag: &'static str| Tags::parse([tag]).unwrap();
    for (filter, expected) in [
        (EventFilter::types([name("Deposited")]), deposits(1..=3)),
        (EventFilter::types([name("Deposited"), name("Shipped")]), deposits(1..=3)),
        (EventFilter::types([name("Shipped")]), vec![]),
        (
            EventFilter::stream_prefix("account-"),
            vec![opened("ann"), Deposited(1), opened("bob"), Deposited(2)],
        ),
        (EventFilter::stream_prefix("parcel-"), vec![]),
        (EventFilter::stream_prefix(""), store.get_all_events().await.unwrap()),
        (EventFilter::tagged(tags("owner:bob")), vec![opened("bob")]),
        (
            EventFilter::any_of([
                Criterion::new().tags(tags("owner:ann")),
                Criterion::new().types([name("Closed")]).stream_prefix("savings-"),
                Criterion::new().types([name("Shipped")]),
            ]),
            vec![opened("ann"), Closed],
        ),
    ] {
        let read = store.read_all(ReadAll::forward().limit(2).filter(filter.clone()));
        assert_eq!(events(read).await, expected, "{filter:?}");
        let matching = store.get_matching(&filter).await.unwrap().events;
        assert_eq!(matching.into_iter().map(|recorded| recorded.event).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn what_matches_comes_with_the_position_up_to_which_everything_was_looked_at() {
    let store = two_accounts_and_a_parcel().await;
    let seen = store.get_matching(&EventFilter::stream_prefix("account-1")).await.unwrap();
    assert_eq!(seen.events.len(), 2);
    assert_eq!(seen.position, store.stats().await.unwrap().head);
}

#[derive(Default)]
struct Turnover(u64);

impl Projection for Turnover {
    type Event = AccountEvent;

    fn apply(&mut self, event: &AccountEvent) {
        if let Deposited(amount) = event {
            self.0 += amount;
        }
    }
}

#[tokio::test]
async fn a_projection_goes_on_from_the_position_it_is_built_to() {
    let store = two_accounts_and_a_parcel().await;
    let mut turnover = Turnover::default();
    let mut checkpoint = GlobalPosition::START;
    store.project(&mut turnover, &mut checkpoint).await.unwrap();
    assert_eq!(turnover.0, 6);
    store.append("account-1", vec![Deposited(10)]).await.unwrap();
    store.project(&mut turnover, &mut checkpoint).await.unwrap();
    assert_eq!(turnover.0, 16);
    let built_to = checkpoint;
    store.project(&mut turnover, &mut checkpoint).await.unwrap();
    assert_eq!((turnover.0, checkpoint), (16, built_to));
}

/// A second type of events under the name of the first, which it cannot be read as.
#[event(rename = "Deposited")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unreadable {
    no_amount: String,
}

#[tokio::test]
async fn a_projection_that_fails_stands_where_its_checkpoint_says() {
    let backend = Arc::new(InMemoryBackend::new());
    let store = EventStore::<AccountEvent, _>::with_backend(backend.clone());
    let strange = EventStore::<Unreadable, _>::with_backend(backend);
    let before = store.append("account-1", vec![Deposited(1), Deposited(2)]).await.unwrap();
    strange.append("account-2", vec![Unreadable { no_amount: String::new() }]).await.unwrap();
    store.append("account-1", vec![Deposited(4)]).await.unwrap();

    let (mut turnover, mut checkpoint) = (Turnover::default(), GlobalPosition::START);
    for _ in 0..2 {
        store.project(&mut turnover, &mut checkpoint).await.unwrap_err();
        assert_eq!((turnover.0, checkpoint), (3, before.last_position));
    }
}

#[tokio::test]
async fn an_append_whose_answer_is_lost_is_settled_or_handed_back_to_be_settled() {
    let lost = || StoreError::outcome_unknown("the answer was lost");
    let lost_once = move |number| if number == 1 { Fate::StoredButAnswers(lost()) } else { Fate::Goes };
    let store = EventStore::with_backend(Watched::with_fates(lost_once));
    store.append("account-1", vec![Deposited(1)]).await.unwrap();
    assert_eq!(store.get_events("account-1").await.unwrap(), [Deposited(1)]);

    let store = EventStore::with_backend(Watched::with_fates(move |_| Fate::StoredButAnswers(lost())));
    let error = store.append("account-1", vec![Deposited(1)]).await.unwrap_err();
    let Error::OutcomeUnknown { batch, .. } = error else { panic!("{error:?}") };
    let outcomes = store.backend().inner.append_all(*batch).await.unwrap();
    assert_eq!(outcomes[0].last_version, Version::new(1));
    assert_eq!(store.get_events("account-1").await.unwrap(), [Deposited(1)]);
}

#[tokio::test]
async fn two_types_with_the_same_variants_live_on_one_backend_under_a_prefix() {
    #[event(prefix = "user.")]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum UserEvent {
        Deleted,
    }
    #[event(prefix = "order.")]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum OrderEvent {
        Deleted,
    }
    let backend = Arc::new(InMemoryBackend::new());
    let users = EventStore::<UserEvent, _>::with_backend(backend.clone());
    let orders = EventStore::<OrderEvent, _>::with_backend(backend);
    users.append("user-1", vec![UserEvent::Deleted]).await.unwrap();
    assert_eq!(orders.get_all_events().await.unwrap(), []);
    let stored = users.backend().get_all_events().await.unwrap();
    assert_eq!(stored[0].event_type.as_str(), "user.Deleted");
}

#[tokio::test]
async fn stats_count_what_the_backend_holds() {
    let store = two_accounts_and_a_parcel().await;
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.total_events, stats.total_streams, stats.total_snapshots), (7, 4, 0));
}

#[tokio::test]
async fn a_flush_reaches_the_backend() {
    let store = EventStore::<AccountEvent, _>::with_backend(Watched::new());
    store.flush().await.unwrap();
    assert_eq!(store.backend().flushes(), 1);
}
