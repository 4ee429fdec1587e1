//! Law 16: what a store holds can be restored into another one, which reads the same from then on.

use std::time::Instant;

use eventstore_api::{
    AppendBatch, EventStoreBackend, ExpectedVersion, GlobalPosition, ReadAll, RecordedEvent, Result,
    StoreError, StreamRange, Timestamp, Version,
};

use crate::{
    TestStore,
    errors::{condition_failed, invalid_input},
    events::{
        event, events, exact, rich_event, stream, tagged, typed, unless, unless_after, with_tag, with_type,
    },
    polling::dropped_after,
    race::all_at_once,
    reading::{every, range},
    sure::Sure,
};

const LAW: &str = "law 16, moves whole";

/// Whatever was appended comes back from the copy as it comes from the store: ids, versions, positions, times and all.
pub async fn a_copy_reads_the_same(store: TestStore) {
    fill(&store).await;
    let copy = copy_of(&store, 7).await;
    assert!(copy.picture().await == store.picture().await, "{LAW}: all events, and the counts");
    for name in NAMES {
        let name = stream(name);
        let found = range(&*copy, &name, StreamRange::all()).await;
        assert_eq!(found, store.stored(&name).await, "{LAW}: stream {name}");
    }
    for filter in [with_tag("course:rust-101"), with_type("Rare")] {
        let found = every(&*copy, ReadAll::forward().filter(filter.clone())).await;
        let expected = every(&*store, ReadAll::forward().filter(filter)).await;
        assert!(!expected.is_empty() && found == expected, "{LAW}: what an index finds");
    }
}

/// In however many parts it is restored, the copy is the same.
pub async fn a_copy_is_made_in_parts_of_any_size(store: TestStore) {
    fill(&store).await;
    let before = store.picture().await;
    for size in [1, 2, 5, 1_000] {
        assert!(copy_of(&store, size).await.picture().await == before, "{LAW}: in parts of {size}");
    }
}

/// What is appended to the copy goes on where the store ended, under the same guards.
pub async fn a_copy_goes_on_where_the_store_ended(store: TestStore) {
    fill(&store).await;
    let copy = copy_of(&store, 10).await;
    let (name, last) = (stream("a"), copy.everything().await.pop().expect("the store was filled"));
    let version = store.stored(&name).await.len() as u64;
    let too_early = copy.append(&name, exact(version - 1), events(1)).await;
    assert!(matches!(too_early, Err(StoreError::WrongExpectedVersion { .. })), "{LAW}: {too_early:?}");
    let outcome = copy.append(&name, exact(version), events(2)).await.expect("the guard holds");
    assert_eq!(outcome.first_version, Version::new(version + 1), "{LAW}");
    assert!(outcome.first_position > last.position, "{LAW}: {outcome:?} after {}", last.position);
    let appended = copy.stored(&name).await.pop().expect("it was appended");
    assert!(appended.recorded_at >= last.recorded_at, "{LAW}: time does not run backwards");
}

/// Whoever repeats to the copy what he appended to the store is told what he was told there, and nothing is stored twice.
pub async fn a_retry_is_known_in_the_copy(store: TestStore) {
    let batches: Vec<AppendBatch> = (1..=4)
        .map(|count| {
            AppendBatch::new().append(stream("a"), ExpectedVersion::Any, events(count)).append(
                stream(&format!("b-{count}")),
                ExpectedVersion::NoStream,
                events(1),
            )
        })
        .collect();
    let mut outcomes = Vec::new();
    for batch in &batches {
        outcomes.push(store.append_all(batch.clone()).await.expect("nothing is in the way"));
    }
    let copy = copy_of(&store, 3).await;
    let before = copy.picture().await;
    for (batch, outcome) in batches.into_iter().zip(outcomes) {
        assert_eq!(copy.append_all(batch).await.expect("it is a retry"), outcome, "{LAW}");
    }
    copy.assert_unchanged(&before, LAW).await;
}

/// Events that leave others out, come again or come from before are refused, and nothing of them is stored.
pub async fn what_does_not_follow_is_refused(store: TestStore) {
    for count in 1..=6 {
        store.put(&stream("a"), events(count)).await;
    }
    let all = store.everything().await;
    let copy = copy_of_events(&store, &all[..10]).await;
    let before = copy.picture().await;
    // The versions that are between are missing.
    refused(copy.restore(all[12..].to_vec()).await);
    refused(copy.restore(all[..10].to_vec()).await);
    refused(copy.restore(all[9..11].to_vec()).await);
    let mut swapped = all[10..].to_vec();
    swapped.reverse();
    refused(copy.restore(swapped).await);
    let mut from_before = all[10..].to_vec();
    from_before.iter_mut().for_each(|event| event.recorded_at = Timestamp::from_micros(7));
    refused(copy.restore(from_before).await);
    let mut again = all[10].clone();
    again.id = all[2].id;
    refused(copy.restore(vec![again]).await);
    copy.assert_unchanged(&before, LAW).await;
    copy.restore(all[10..].to_vec()).await.expect("this is what follows");
    assert!(copy.picture().await == store.picture().await, "{LAW}: after all of it");
}

/// A stream that begins in the middle cannot be restored: a part of a store is no store.
pub async fn a_store_without_its_beginning_is_refused(store: TestStore) {
    store.put(&stream("a"), events(5)).await;
    let all = store.everything().await;
    let copy = store.another().await;
    refused(copy.restore(all[2..].to_vec()).await);
    assert_eq!(copy.everything().await, [], "{LAW}");
}

/// Nothing to restore is nothing to do.
pub async fn nothing_can_be_restored(store: TestStore) {
    fill(&store).await;
    let before = store.picture().await;
    store.restore(Vec::new()).await.expect("there is nothing to refuse");
    store.assert_unchanged(&before, LAW).await;
}

/// Of several who restore the same, nobody stores a second time what another has stored.
pub async fn several_who_restore_at_once_double_nothing(store: TestStore) {
    fill(&store).await;
    let all = store.everything().await;
    let copy = store.another().await;
    let answers = all_at_once((0..4).map(|_| {
        let (copy, all) = (copy.backend(), all.clone());
        async move { copy.restore(all).await.is_ok() }
    }))
    .await;
    let winners = answers.into_iter().filter(|stored| *stored).count();
    assert!(winners <= 1, "{LAW}: {winners} were told that they had stored the same events");
    let stored = copy.everything().await;
    assert_eq!(stored, all[..stored.len()], "{LAW}: what is there is a beginning");
    copy.restore(all[stored.len()..].to_vec()).await.expect("this is what follows");
    assert!(copy.picture().await == store.picture().await, "{LAW}: after all of it");
}

/// Whoever waits for events is woken by those that are restored.
pub async fn restoring_wakes_who_waits(store: TestStore) {
    fill(&store).await;
    let copy = store.another().await;
    let waiting = copy.backend();
    let waiting = tokio::spawn(async move { waiting.wait_past(GlobalPosition::START).await });
    copy.restore(store.everything().await).await.expect("it is what follows");
    let head = waiting.await.expect("it does not panic").expect("there are events");
    assert!(head > GlobalPosition::START, "{LAW}");
}

/// A copy is there when it is opened again, with ids that are known and places that go on.
pub async fn a_copy_is_there_after_reopening(store: TestStore) {
    let first = vec![event(), event()];
    let outcome = store.append(&stream("a"), ExpectedVersion::NoStream, first.clone()).await;
    let outcome = outcome.expect("the stream is new");
    fill(&store).await;
    let copy = copy_of(&store, 9).await.reopen().await;
    let before = copy.picture().await;
    assert!(before == store.picture().await, "{LAW}: after reopening");
    let again = copy.append(&stream("a"), ExpectedVersion::NoStream, first).await;
    assert_eq!(again.expect("it is a retry"), outcome, "{LAW}");
    copy.assert_unchanged(&before, LAW).await;
    copy.put(&stream("a"), events(1)).await;
    assert_eq!(copy.everything().await.len(), before.events.len() + 1, "{LAW}");
}

/// Times before 1970 are times: a copy that has them goes on after it was opened again, with older and younger ones.
pub async fn what_is_older_than_computers_moves_in_parts_too(store: TestStore) {
    const A_CENTURY: i64 = 100 * 365 * 86_400 * 1_000_000;
    fill(&store).await;
    let mut old = store.everything().await;
    let half = old.len() / 2;
    for (event, micros) in old.iter_mut().zip(1..) {
        event.recorded_at = Timestamp::from_micros(micros - A_CENTURY);
    }
    let copy = copy_of_events(&store, &old[..half]).await.reopen().await;
    copy.restore(old[half..].to_vec()).await.expect("the rest follows");
    assert!(copy.everything().await == old, "{LAW}: the times are those that they were");
    let copy = copy.reopen().await;
    copy.put(&stream("a"), events(1)).await;
    let last = copy.everything().await.pop().expect("it was appended");
    assert!(last.recorded_at > Timestamp::from_micros(0), "{LAW}: what is appended has the time of now");
}

/// Whenever the future is dropped, what is there is a beginning, which can be gone on with.
pub async fn a_dropped_restore_leaves_a_beginning(store: TestStore) {
    fill(&store).await;
    let all = store.everything().await;
    for polls in [0, 1, 2, 3, 5, 8, 13] {
        let copy = store.another().await;
        drop(dropped_after(polls, copy.restore(all.clone())).await);
        // It may still be under way, and then what is restored now is not what comes next: for so long at most.
        let patience = Instant::now() + store.time_limit() / 2;
        loop {
            let there = copy.everything().await;
            assert_eq!(there, all[..there.len()], "{LAW}: dropped after {polls} polls");
            let answer = copy.restore(all[there.len()..].to_vec()).await;
            if answer.is_ok() {
                break;
            }
            assert!(
                Instant::now() < patience,
                "{LAW}: dropped after {polls} polls, what follows is refused for good: {answer:?}"
            );
            refused(answer);
        }
        assert!(copy.picture().await == store.picture().await, "{LAW}: dropped after {polls} polls");
    }
}

/// Conditions fail on what was restored, where it stood; an id in two streams is known in each of them.
pub async fn conditions_and_ids_know_what_was_restored(store: TestStore) {
    let (one, other) = (stream("one"), stream("other"));
    let same = tagged(&["seat:12A"]);
    let in_one = store.append(&one, ExpectedVersion::NoStream, vec![same.clone()]).await.expect("it is new");
    store.put(&one, events(3)).await;
    let in_other = store.append(&other, ExpectedVersion::NoStream, vec![same.clone()]).await;
    let in_other = in_other.expect("it is new there");
    let copy = copy_of(&store, 2).await;
    let taken = copy.append_all(unless(with_tag("seat:12A"), &stream("new"), event())).await;
    let at = condition_failed(LAW, taken);
    assert!([in_one.last_position, in_other.last_position].contains(&at), "{LAW}: at {at}");
    let free = unless_after(with_tag("seat:12A"), in_other.last_position, &stream("new"), event());
    copy.append_all(free).await.expect("nothing was restored behind it");
    for (stream, outcome) in [(one, in_one), (other, in_other)] {
        let again = copy.append(&stream, ExpectedVersion::NoStream, vec![same.clone()]).await;
        assert_eq!(again.expect("it is a retry"), outcome, "{LAW}");
    }
}

const NAMES: [&str; 4] = ["a", "b", "c-1", "c-2"];

/// Events of every kind, some of them appended together and some in turns.
async fn fill(store: &TestStore) {
    for round in 0..4 {
        for name in NAMES {
            store.put(&stream(name), vec![event(), tagged(&["course:rust-101", "seat:12A"])]).await;
        }
        let batch = AppendBatch::new()
            .append(stream("a"), ExpectedVersion::Any, vec![rich_event(), event()])
            .append(stream(&format!("new-{round}")), ExpectedVersion::NoStream, vec![typed("Rare")]);
        store.append_all(batch).await.expect("nothing is in the way");
    }
}

/// The store restored into another, in parts of so many events.
async fn copy_of(store: &TestStore, size: usize) -> TestStore {
    let all = store.everything().await;
    let copy = store.another().await;
    for part in all.chunks(size) {
        copy.restore(part.to_vec()).await.expect("the events follow on one another");
    }
    copy
}

async fn copy_of_events(store: &TestStore, events: &[RecordedEvent]) -> TestStore {
    let copy = store.another().await;
    copy.restore(events.to_vec()).await.expect("the events follow on one another");
    copy
}

/// That it was refused for what it is.
fn refused(answer: Result<()>) {
    if !matches!(answer, Err(StoreError::WrongExpectedVersion { .. })) {
        invalid_input(LAW, answer);
    }
}
