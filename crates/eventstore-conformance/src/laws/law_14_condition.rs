//! Law 14: of concurrent appends whose conditions exclude each other, exactly one wins; a condition sees everything
//! committed before it.

use eventstore_api::{
    AppendBatch, AppendCondition, Criterion, EventFilter, EventStoreBackend, ExpectedVersion, GlobalPosition,
    ReadAll, StoreError, Version,
};

use crate::{
    TestStore,
    errors::{condition_failed, wrong_version},
    events::{
        event, event_type, events, exact, stream, tagged, tags, typed, unless, unless_after, with_tag,
        with_type,
    },
    race::all_at_once,
    reading,
    sure::Sure,
};

const LAW: &str = "law 14, condition";

/// An event of the type, with the tag, in a stream of the prefix: whichever the condition names, it is found wherever it is.
pub async fn a_condition_fails_on_what_it_excludes(store: TestStore) {
    fill(&store).await;
    let before = store.picture().await;
    for filter in found() {
        let at =
            condition_failed(LAW, store.append_all(unless(filter.clone(), &stream("new"), event())).await);
        let named = before.events.iter().find(|event| event.position == at);
        let named = named.unwrap_or_else(|| panic!("{LAW}: {filter:?} failed at {at}, where no event is"));
        assert!(filter.matches(named), "{LAW}: {filter:?} failed at {at}, where {named:?} does not match it");
        store.assert_unchanged(&before, LAW).await;
    }
}

/// Events of another type, with another tag, or with only one of two tags do not concern the condition.
pub async fn a_condition_passes_over_everything_else(store: TestStore) {
    fill(&store).await;
    for filter in [
        with_type("Never"),
        with_tag("seat:99z"),
        with_tag("seat:1"),
        EventFilter::tagged(tags(&["seat:12a", "student:ann"])),
        EventFilter::stream_prefix("flight-10"),
        EventFilter::stream_prefix("light"),
        EventFilter::any_of([Criterion::new().types([event_type("Opened")]).tags(tags(&["seat:12a"]))]),
        EventFilter::any_of([
            Criterion::new().types([event_type("Booked")]).stream_prefix("account"),
            Criterion::new().types([event_type("Never")]).tags(tags(&["seat:12a"])),
        ]),
    ] {
        let outcome = store.append_all(unless(filter.clone(), &stream("new"), event())).await;
        outcome.unwrap_or_else(|error| panic!("{LAW}: no event matches {filter:?}, and yet {error:?}"));
    }
}

/// Events up to the position do not count, the event right after it does.
pub async fn a_condition_looks_behind_its_position_only(store: TestStore) {
    fill(&store).await;
    for filter in found() {
        let matching = reading::every(&*store, ReadAll::forward().filter(filter.clone())).await;
        let last = matching[matching.len() - 1].position;
        let just_before = matching.iter().rev().nth(1).map_or(GlobalPosition::START, |event| event.position);
        let refused =
            store.append_all(unless_after(filter.clone(), just_before, &stream("new"), event())).await;
        assert_eq!(
            condition_failed(LAW, refused),
            last,
            "{LAW}: only the last match lies after {just_before}"
        );
        for after in [last, GlobalPosition::END] {
            let unrelated = typed("Unrelated");
            // Where every event matches, the appends made here do too.
            let after = if filter.is_all() { store.counts().await.head.max(after) } else { after };
            let outcome =
                store.append_all(unless_after(filter.clone(), after, &stream("new"), unrelated)).await;
            outcome.unwrap_or_else(|error| {
                panic!("{LAW}: nothing that matches lies after {after}, and yet {error:?}")
            });
        }
    }
}

/// The events of the batch itself do not break its condition; the next batch under the same condition fails on them.
pub async fn a_condition_does_not_look_at_its_own_events(store: TestStore) {
    let seat = || tagged(&["seat:12a"]);
    let batch = AppendBatch::new()
        .append(stream("a"), ExpectedVersion::Any, vec![seat(), seat()])
        .append(stream("b"), ExpectedVersion::Any, vec![seat()])
        .condition(AppendCondition::none(with_tag("seat:12a")));
    let outcomes = store.append_all(batch).await.expect("no event has the tag before");
    let at =
        condition_failed(LAW, store.append_all(unless(with_tag("seat:12a"), &stream("c"), seat())).await);
    assert!(at >= outcomes[0].first_position && at <= outcomes[1].last_position, "{LAW}: it failed at {at}");
    let last = outcomes[1].last_position;
    let after_them = unless_after(with_tag("seat:12a"), last, &stream("c"), seat());
    store.append_all(after_them).await.expect("nothing that matches lies after the batch");
}

/// A condition and guards hold together or the append fails; guards are looked at first.
pub async fn a_condition_holds_beside_guards(store: TestStore) {
    store.put(&stream("s"), vec![tagged(&["seat:12a"])]).await;
    let batch = |expected, tag: &str| {
        AppendBatch::single(stream("s"), expected, events(1)).condition(AppendCondition::none(with_tag(tag)))
    };
    let (_, _, actual) = wrong_version(LAW, store.append_all(batch(exact(0), "seat:12a")).await);
    assert_eq!(actual, Version::new(1), "{LAW}");
    wrong_version(LAW, store.append_all(batch(exact(0), "seat:12b")).await);
    condition_failed(LAW, store.append_all(batch(exact(1), "seat:12a")).await);
    store.append_all(batch(exact(1), "seat:12b")).await.expect("guard and condition hold");
}

/// Sixteen tasks book the same seat, each in a stream of its own: one gets it, in every round.
pub async fn of_concurrent_appends_that_exclude_each_other_one_wins(store: TestStore) {
    for round in 0..20 {
        let tag = format!("seat:{round}");
        let outcomes = all_at_once((0..16).map(|task| {
            let (backend, tag) = (store.backend(), tag.clone());
            async move {
                let own = stream(&format!("passenger-{round}-{task}"));
                backend.append_all(unless(with_tag(&tag), &own, tagged(&[&tag]))).await
            }
        }))
        .await;
        let winners: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        assert_eq!(winners.len(), 1, "{LAW}: {} of 16 tasks got seat {round}", winners.len());
        let won_at = winners[0][0].first_position;
        for lost in outcomes.into_iter().filter(Result::is_err) {
            assert_eq!(condition_failed(LAW, lost), won_at, "{LAW}: the losers hear where the seat went");
        }
    }
}

/// Conditions of different kinds that exclude each other across: each writes what the other must not find.
pub async fn conditions_exclude_each_other_across(store: TestStore) {
    for round in 0..20 {
        let (left, right) = (format!("Left{round}"), format!("right:{round}"));
        let (l, r) = (format!("l-{round}"), format!("r-{round}"));
        let batches = [
            unless(with_tag(&right), &stream(&l), typed(&left)),
            unless(with_type(&left), &stream(&r), tagged(&[&right])),
        ];
        let outcomes = all_at_once(batches.map(|batch| {
            let backend = store.backend();
            async move { backend.append_all(batch).await }
        }))
        .await;
        let winners = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(winners, 1, "{LAW}: {winners} of two appends won, each excluding what the other writes");
    }
}

/// Tasks read how many places are left, and book one if nothing was booked since: never are more sold than there are.
pub async fn what_was_read_is_still_true_when_it_is_stored(store: TestStore) {
    const PLACES: usize = 20;
    let booked: usize = all_at_once((0..8).map(|task| {
        let backend = store.backend();
        async move {
            let course = with_tag("course:rust-101");
            let mut booked = 0;
            for attempt in 0.. {
                let query = ReadAll::forward().filter(course.clone());
                let (seen, up_to) = reading::to_the_end(&*backend, query).await;
                if seen.len() == PLACES {
                    break;
                }
                let own = stream(&format!("student-{task}-{attempt}"));
                let batch = unless_after(course.clone(), up_to, &own, tagged(&["course:rust-101"]));
                match backend.append_all(batch).await {
                    Ok(_) => booked += 1,
                    Err(StoreError::ConditionFailed { at }) => {
                        assert!(at > up_to, "{LAW}: it failed at {at}, though all up to {up_to} was read");
                    }
                    Err(error) => panic!("{LAW}: neither booked nor refused: {error:?}"),
                }
            }
            booked
        }
    }))
    .await
    .into_iter()
    .sum();
    assert_eq!(booked, PLACES, "{LAW}: bookings that were acknowledged, and places there are");
    let stored = reading::every(&*store, ReadAll::forward().filter(with_tag("course:rust-101"))).await;
    assert_eq!(stored.len(), PLACES, "{LAW}: bookings that are stored");
}

/// What was stored before a restart counts as much as what came after it.
pub async fn a_condition_sees_what_was_stored_before_reopening(store: TestStore) {
    fill(&store).await;
    let store = store.reopen().await;
    for filter in found() {
        condition_failed(LAW, store.append_all(unless(filter, &stream("new"), event())).await);
    }
    store
        .append_all(unless(with_tag("seat:99z"), &stream("new"), event()))
        .await
        .expect("nobody has that seat");
}

async fn fill(store: &TestStore) {
    store
        .put(&stream("flight-1"), vec![typed("Opened"), typed("Booked").with_tags(tags(&["seat:12a"]))])
        .await;
    store.put(&stream("flight-2"), vec![typed("Booked").with_tags(tags(&["seat:12b", "student:ann"]))]).await;
    store.put(&stream("account-1"), vec![typed("Debited"), tagged(&["student:bob"])]).await;
    store.put(&stream("flight-2"), vec![typed("Closed")]).await;
}

/// Filters that something in `fill` passes.
fn found() -> Vec<EventFilter> {
    vec![
        EventFilter::all(),
        with_type("Booked"),
        with_type("Closed"),
        EventFilter::types(["Never", "Debited"].map(event_type)),
        with_tag("seat:12a"),
        EventFilter::tagged(tags(&["student:ann", "seat:12b"])),
        EventFilter::stream_prefix("flight-"),
        EventFilter::stream_prefix("account-1"),
        EventFilter::any_of([Criterion::new().types([event_type("Booked")]).tags(tags(&["seat:12b"]))]),
        EventFilter::any_of([Criterion::new().types([event_type("Closed")]).stream_prefix("flight-2")]),
        EventFilter::any_of([
            Criterion::new().tags(tags(&["seat:99z"])),
            Criterion::new().stream_prefix("acc").tags(tags(&["student:bob"])),
        ]),
    ]
}
