//! What goes together, and in which order.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod toy;

use std::{sync::mpsc, thread, time::Duration};

use eventstore_api::StoreError;
use eventstore_embedded::Durability;
use toy::{Toy, begun, in_time, is_unknown, request};

const ROOM: usize = 1 << 20;
const MODES: [Durability; 3] =
    [Durability::Always, Durability::Interval(Duration::from_millis(2)), Durability::OsBuffered];

#[tokio::test]
async fn requests_are_committed_in_the_order_in_which_they_were_handed_over() {
    for durability in MODES {
        for takes_at_once in [false, true] {
            let toy = Toy { takes_at_once, ..Toy::default() };
            let (writer, seen) = toy.start(durability, ROOM);
            let answers: Vec<_> = (0..500).map(|number| begun(writer.submit(request(number), 1))).collect();
            for (number, answer) in (0..).zip(answers) {
                assert_eq!(in_time(answer).await.unwrap(), number);
            }
            assert_eq!(seen.numbers(), (0..500).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn what_waits_while_a_commit_runs_goes_together_in_the_next_one() {
    for durability in MODES {
        let (writer, seen) = Toy::default().start(durability, ROOM);
        let (held, mut hold) = request(0).held();
        let first = begun(writer.submit(held, 1));
        hold.entered().await;
        let waiting: Vec<_> = (1..=20).map(|number| begun(writer.submit(request(number), 1))).collect();
        drop(hold);
        assert_eq!(in_time(first).await.unwrap(), 0);
        for (number, answer) in (1..).zip(waiting) {
            assert_eq!(in_time(answer).await.unwrap(), number);
        }
        assert_eq!(*seen.groups.lock(), [vec![0], (1..=20).collect()]);
    }
}

#[tokio::test]
async fn what_waits_takes_no_more_than_there_is_room() {
    let (writer, seen) = Toy::default().start(Durability::Always, 4 << 10);
    let (held, mut hold) = request(0).held();
    let first = begun(writer.submit(held, 1));
    hold.entered().await;
    let mut waiting: Vec<_> = (1..=4).map(|number| begun(writer.submit(request(number), 1 << 10))).collect();
    let left_out = waiting.pop().unwrap();
    drop(hold);
    in_time(first).await.unwrap();
    for answer in waiting {
        in_time(answer).await.unwrap();
    }
    assert_eq!(*seen.groups.lock(), [vec![0], vec![1, 2, 3]]);
    in_time(left_out).await.unwrap();
    assert_eq!(*seen.groups.lock(), [vec![0], vec![1, 2, 3], vec![4]]);
}

#[tokio::test]
async fn a_request_greater_than_the_room_gets_through() {
    for queue_bytes in [0, 1_500, 4 << 10] {
        let (writer, _) = Toy::default().start(Durability::Always, queue_bytes);
        assert_eq!(in_time(writer.submit(request(1), usize::MAX)).await.unwrap(), 1);
        assert_eq!(in_time(writer.submit(request(2), 1 << 20)).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn a_request_whose_future_is_dropped_happens_where_it_was_handed_over_and_not_where_it_was_not() {
    for durability in MODES {
        let (writer, seen) = Toy::default().start(durability, 2 << 10);
        let (held, mut hold) = request(0).held();
        let first = begun(writer.submit(held, 1 << 10));
        hold.entered().await;
        drop(begun(writer.submit(request(1), 1 << 10)));
        drop(begun(writer.submit(request(2), 1 << 10)));
        drop(hold);
        in_time(first).await.unwrap();
        assert_eq!(in_time(writer.submit(request(3), 2 << 10)).await.unwrap(), 3);
        assert_eq!(seen.numbers(), [0, 1, 3]);
    }
}

#[tokio::test]
async fn a_request_that_the_engine_leaves_without_an_answer_is_unknown_and_gives_back_its_room() {
    for takes_at_once in [false, true] {
        let toy = Toy { takes_at_once, ..Toy::default() };
        let (writer, seen) = toy.start(Durability::OsBuffered, 1 << 10);
        assert!(is_unknown(&in_time(writer.submit(request(1).without_an_answer(), 1)).await));
        assert_eq!(in_time(writer.submit(request(2), 1)).await.unwrap(), 2);
        assert_eq!(*seen.groups.lock(), [vec![1], vec![2]], "committed once");
    }
}

#[tokio::test]
async fn an_append_is_done_on_the_callers_thread_only_where_no_sync_is_waited_for_and_the_engine_takes_it() {
    for durability in MODES {
        for takes_at_once in [false, true] {
            let toy = Toy { takes_at_once, ..Toy::default() };
            let (writer, seen) = toy.start(durability, ROOM);
            in_time(writer.submit(request(1), 1)).await.unwrap();
            let by_the_caller = seen.committed_by.lock().as_slice() == [thread::current().id()];
            assert_eq!(by_the_caller, takes_at_once && durability != Durability::Always, "{durability:?}");
        }
    }
}

#[tokio::test]
async fn whoever_waits_is_answered_before_the_engine_hands_out_what_can_wait() {
    let (let_go, until) = mpsc::channel::<()>();
    let until = parking_lot::Mutex::new(until);
    let after_commit = move || {
        let _ = until.lock().recv();
    };
    let toy = Toy { after_commit: Some(Box::new(after_commit)), ..Toy::default() };
    let (writer, _) = toy.start(Durability::Always, ROOM);
    assert_eq!(in_time(writer.submit(request(1), 1)).await.unwrap(), 1);
    drop(let_go);
    writer.close().unwrap();
}

#[tokio::test]
async fn a_flush_comes_after_what_was_handed_over_before() {
    for durability in MODES {
        let (writer, seen) = Toy::default().start(durability, ROOM);
        let (held, mut hold) = request(0).held();
        let first = begun(writer.submit(held, 1));
        hold.entered().await;
        drop(begun(writer.submit(request(1), 1)));
        let flushed = begun(writer.flush());
        drop(hold);
        in_time(flushed).await.unwrap();
        assert_eq!(seen.numbers(), [0, 1]);
        assert!(*seen.flushes.lock() >= 1);
        in_time(first).await.unwrap();
    }
}

#[tokio::test]
async fn an_engine_is_told_when_nothing_waits_any_more() {
    for durability in MODES {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let on_idle = move || {
            let _ = tell.send(());
        };
        let toy = Toy { on_idle: Some(Box::new(on_idle)), ..Toy::default() };
        let (writer, _) = toy.start_idle_after(durability, ROOM, Duration::from_millis(1));
        in_time(told.recv()).await.unwrap();
        in_time(writer.submit(request(1), 1)).await.unwrap();
        in_time(told.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn what_waits_is_done_before_it_is_closed_and_nothing_is_taken_after() {
    for durability in MODES {
        let (writer, seen) = Toy::default().start(durability, ROOM);
        let (held, mut hold) = request(0).held();
        let first = begun(writer.submit(held, 1));
        hold.entered().await;
        let second = begun(writer.submit(request(1), 1));
        writer.stop_taking();
        assert!(matches!(in_time(writer.submit(request(2), 1)).await, Err(StoreError::Closed)));
        assert!(matches!(writer.check_open(), Err(StoreError::Closed)));
        drop(hold);
        writer.close().unwrap();
        writer.close().unwrap();
        assert_eq!(in_time(first).await.unwrap(), 0);
        assert_eq!(in_time(second).await.unwrap(), 1);
        assert_eq!(seen.numbers(), [0, 1]);
        assert_eq!(*seen.told.lock(), ["closed", "dropped", "ended"]);
    }
}

#[tokio::test]
async fn dropping_the_writer_closes_the_engine() {
    let (writer, seen) = Toy::default().start(Durability::Always, ROOM);
    drop(begun(writer.submit(request(1), 1)));
    drop(writer);
    assert_eq!(seen.numbers(), [1]);
    assert_eq!(*seen.told.lock(), ["closed", "dropped", "ended"]);
}
