//! What the writer does when something goes wrong that must not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

mod toy;

use std::sync::Arc;

use eventstore_api::{Result, StoreError, message_with_causes};
use eventstore_embedded::{Durability, Writer};
use toy::{Toy, begun, in_time, is_unknown, request};

const ROOM: usize = 2 << 10;

fn says_that_it_panicked<T>(outcome: Result<T>) {
    match outcome.map(|_| "nothing went wrong") {
        Err(error @ StoreError::Storage { .. }) => {
            assert!(
                message_with_causes(&error).contains("a thread of the store panicked; reopen"),
                "{error:?}"
            );
        }
        other => panic!("{other:?}"),
    }
}

/// Whoever comes now is told why, at once; and so is whoever closes, as often as he does.
async fn is_over(writer: &Writer<Toy>) {
    in_time(async {
        // The thread may still be about to end.
        while !matches!(writer.submit(request(9), 1).await, Err(StoreError::Storage { .. })) {
            tokio::task::yield_now().await;
        }
        says_that_it_panicked(writer.submit(request(9), 1).await);
        says_that_it_panicked(writer.flush().await);
    })
    .await;
    says_that_it_panicked(writer.close());
    says_that_it_panicked(writer.close());
    says_that_it_panicked(writer.check_open());
}

#[tokio::test]
async fn a_panic_of_the_thread_leaves_nobody_waiting_and_everybody_is_told() {
    for durability in [Durability::Always, Durability::OsBuffered] {
        let (writer, seen) = Toy::default().start(durability, ROOM);
        in_time(writer.submit(request(1), 1)).await.unwrap();

        let (held, mut hold) = request(2).held();
        let held = begun(writer.submit(held, 1 << 10));
        hold.entered().await;
        let guilty = begun(writer.submit(request(3).that_panics(), 1));
        drop(hold);
        in_time(held).await.unwrap();
        assert!(is_unknown(&in_time(guilty).await));
        is_over(&writer).await;
        assert_eq!(*seen.told.lock(), ["dropped", "ended"]);
    }
}

#[tokio::test]
async fn whoever_is_in_the_queue_or_waits_for_room_when_the_thread_panics_is_told() {
    let (writer, seen) = Toy::default().start(Durability::Always, ROOM);
    let (entered, at_it) = tokio::sync::oneshot::channel();
    let (let_go, until) = std::sync::mpsc::channel::<()>();
    let within = parking_lot::Mutex::new((Some(entered), until));
    let guilty = request(1).doing(move || {
        let mut within = within.lock();
        within.0.take().unwrap().send(()).unwrap();
        let _ = within.1.recv();
        panic!("on purpose");
    });
    let guilty = begun(writer.submit(guilty, 1 << 10));
    in_time(at_it).await.unwrap();
    let in_the_queue = begun(writer.submit(request(2), 1 << 10));
    let without_room = begun(writer.submit(request(3), 1));
    let flush = begun(writer.flush());
    drop(let_go);

    assert!(is_unknown(&in_time(guilty).await));
    assert!(is_unknown(&in_time(in_the_queue).await));
    says_that_it_panicked(in_time(without_room).await);
    assert!(matches!(in_time(flush).await, Err(StoreError::Storage { .. })));
    is_over(&writer).await;
    assert_eq!(seen.numbers(), [1]);
}

#[tokio::test]
async fn a_panic_of_someone_who_appends_on_his_own_thread_does_neither() {
    let toy = Toy { takes_at_once: true, ..Toy::default() };
    let (writer, seen) = toy.start(Durability::OsBuffered, ROOM);
    let writer = Arc::new(writer);
    in_time(writer.submit(request(1), 1)).await.unwrap();

    let own = Arc::clone(&writer);
    let panicked = tokio::spawn(async move { own.submit(request(2).that_panics(), 1).await });
    assert!(in_time(panicked).await.unwrap_err().is_panic());
    is_over(&writer).await;
    assert_eq!(seen.numbers(), [1, 2]);
    assert_eq!(*seen.told.lock(), ["dropped", "ended"], "on the writer's thread");
}

#[tokio::test]
async fn a_panic_while_it_is_closed_is_told_to_whoever_closes_and_to_those_who_wait_for_the_end() {
    let toy = Toy { panics_when_closed: true, ..Toy::default() };
    let (writer, seen) = toy.start(Durability::Always, ROOM);
    in_time(writer.submit(request(1), 1)).await.unwrap();
    says_that_it_panicked(writer.close());
    says_that_it_panicked(writer.check_open());
    assert_eq!(*seen.told.lock(), ["dropped", "ended"]);
}
