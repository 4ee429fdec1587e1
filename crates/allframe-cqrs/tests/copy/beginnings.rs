//! Where a copy is not begun, or not gone on with.

use std::sync::Arc;

use allframe_cqrs::{
    EventStoreBackend, InMemoryBackend, StoreError,
    api::{EventType, RecordedEvent, Snapshot},
    copy::{CopyError, Output, StoreCopy},
};
use eventstore_wal::WalBackend;

use crate::stores::{Through, add, append, store_of, stream, told};

#[tokio::test]
async fn a_target_that_is_not_empty_is_refused() {
    let (old, new) = (store_of("a1").await, store_of("b1").await);
    let refused = StoreCopy::new("all").from(&old).to(&new).run().await.unwrap_err();
    insta::assert_snapshot!(refused, @"the target holds events that this copy has not written, the last at position 1; copy into an empty store, or say `into_shared_target` where others may write there");
    assert_eq!(told(&new).await, "b.1=b1");
}

#[tokio::test]
async fn a_target_into_which_others_have_written_since_is_refused() {
    let (old, new) = (store_of("a1").await, InMemoryBackend::new());
    let copy = StoreCopy::new("all").from(&old).to(&new);
    copy.run().await.unwrap();
    add(&new, "b1").await;
    add(&old, "a2").await;
    assert!(matches!(copy.run().await, Err(CopyError::TargetNotEmpty { .. })));
    assert_eq!(told(&new).await, "a.1=a1 b.1=b1");
}

#[tokio::test]
async fn a_target_into_which_others_write_meanwhile_is_refused() {
    let (old, new) = (store_of("a1 a2").await, InMemoryBackend::new());
    let intruder = new.clone();
    let copy = StoreCopy::new("all").from(&old).to(&new).batch_events(1).transform(move |record, output| {
        output.keep();
        if record.version.get() == 2 {
            futures_util::future::FutureExt::now_or_never(add(&intruder, "b1")).unwrap();
        }
    });
    let refused = copy.run().await.unwrap_err();
    assert!(matches!(refused, CopyError::TargetNotEmpty { .. }), "{refused:?}");
}

#[tokio::test]
async fn two_sources_are_copied_into_one_target_when_that_is_said() {
    let (one, other, new) = (store_of("a1 a2 c1").await, store_of("b1 b2 d1").await, InMemoryBackend::new());
    let prefixed = |prefix: &'static str| {
        move |record: &RecordedEvent, output: &mut Output<'_>| {
            output.keep_in(format!("{prefix}-{}", record.stream));
        }
    };
    let first = StoreCopy::new("one").from(&one).to(&new).into_shared_target().transform(prefixed("x"));
    let second = StoreCopy::new("two").from(&other).to(&new).into_shared_target().transform(prefixed("y"));
    first.run().await.unwrap();
    second.run().await.unwrap();
    add(&one, "a3").await;
    add(&new, "z1").await;
    first.run().await.unwrap();
    assert_eq!(told(&new).await, "x-a.1=a1 x-a.2=a2 x-c.1=c1 y-b.1=b1 y-b.2=b2 y-d.1=d1 z.1=z1 x-a.3=a3");
    let (of_first, of_second) = (first.verify().await.unwrap(), second.verify().await.unwrap());
    assert!(of_first.is_same() && of_second.is_same(), "{of_first} {of_second}");
    assert!(of_first.of_others > 0);
    assert_eq!((of_first.counts.written, of_second.counts.written), (4, 3));
}

#[tokio::test]
async fn a_store_is_not_copied_into_itself() {
    let store = InMemoryBackend::new();
    let same = StoreCopy::new("all").from(&store).to(&store).run().await;
    assert!(matches!(same, Err(CopyError::SameStore)));
    // Another handle does not look the same.
    let (one, other) = (store.clone(), Through::stepping(store));
    let same = StoreCopy::new("all").from(&one).to(&other).run().await;
    assert!(matches!(same, Err(CopyError::SameStore)));
    let shared = store_of("a1").await;
    let other = shared.clone();
    let same = StoreCopy::new("all").from(&shared).to(&other).into_shared_target().run().await.unwrap_err();
    insta::assert_snapshot!(same, @"source and target are the same store; copy into another one");
    assert_eq!(told(&shared).await, "a.1=a1");
}

#[tokio::test]
async fn another_version_of_the_transform_does_not_go_on() {
    let (old, new) = (store_of("a1").await, InMemoryBackend::new());
    let copy = || StoreCopy::new("all").from(&old).to(&new);
    copy().version(3).run().await.unwrap();
    insta::assert_snapshot!(copy().version(4).run().await.unwrap_err(), @"copy `all` was begun with version 3 of its transform, and this is version 4; give it another name and an empty target");
    assert!(matches!(copy().version(4).verify().await, Err(CopyError::OtherTransform { .. })));
    copy().version(3).run().await.unwrap();
}

#[tokio::test]
async fn another_source_does_not_go_on() {
    let (old, other, new) = (store_of("a1 a2").await, store_of("a1 a2").await, InMemoryBackend::new());
    StoreCopy::new("all").from(&old).to(&new).run().await.unwrap();
    insta::assert_snapshot!(StoreCopy::new("all").from(&other).to(&new).run().await.unwrap_err(), @"copy `all` was begun from another source: what it read last is not event 2 of stream `a` (position 2) here; copy each source under a name of its own");
}

#[tokio::test]
async fn a_copy_needs_a_name_that_a_stream_can_have() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    for name in ["", "two\nlines"] {
        let unnamed = StoreCopy::new(name).from(&old).to(&new).run().await;
        assert!(matches!(unnamed, Err(CopyError::Name { .. })));
    }
}

#[tokio::test]
async fn a_mark_that_cannot_be_read_is_named() {
    let (old, new) = (store_of("a1").await, InMemoryBackend::new());
    append(&new, "$copy-all", "$copy.mark", "{}").await;
    insta::assert_snapshot!(StoreCopy::new("all").from(&old).to(&new).run().await.unwrap_err(), @"event 1 of stream `$copy-all`, in which the copy keeps how far it is, cannot be read");
}

#[tokio::test]
async fn the_toolkits_own_streams_are_left_out_and_others_with_such_a_name_are_not() {
    let (old, new) = (store_of("a1").await, InMemoryBackend::new());
    for name in ["$group-mailer/members", "$projection-board-v1", "$copy-earlier", "$ours"] {
        append(&old, name, "Done", "1").await;
    }
    let report = StoreCopy::new("all").from(&old).to(&new).run().await.unwrap();
    assert_eq!(told(&new).await, "a.1=a1 $ours.1=1");
    assert_eq!((report.copied.read, report.copied.left_out), (5, 3));
}

#[tokio::test]
async fn schemas_that_are_registered_stay_as_they_are_whatever_the_transform_does() {
    let (old, new) = (store_of("a1").await, InMemoryBackend::new());
    append(&old, "$schema-Done", "$schema.registered", "{}").await;
    let copy = StoreCopy::new("all").from(&old).to(&new).transform(|_, output| output.keep_in("all"));
    copy.run().await.unwrap();
    assert_eq!(told(&new).await, "all.1=a1 $schema-Done.1={}");
}

#[tokio::test]
async fn an_empty_store_is_copied_too_and_snapshots_are_not() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    let state = EventType::new("Account").unwrap();
    let snapshot = Snapshot::new(stream("a"), 1.into(), state, "1");
    old.save_snapshot(snapshot).await.unwrap();
    let report = StoreCopy::new("all").from(&old).to(&new).run().await.unwrap();
    assert_eq!(report.copied.read, 0);
    assert_eq!(new.stats().await.unwrap().total_snapshots, 0);
}

#[tokio::test]
async fn what_was_never_copied_cannot_be_verified() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    assert!(matches!(
        StoreCopy::new("all").from(&old).to(&new).verify().await,
        Err(CopyError::NotBegun { .. })
    ));
}

#[tokio::test]
async fn a_target_that_is_opened_for_reading_only_says_so() {
    let directory = tempfile::tempdir().unwrap();
    WalBackend::production(directory.path()).unwrap().close().await.unwrap();
    let (old, new) = (store_of("a1").await, WalBackend::open_read_only(directory.path()).unwrap());
    let refused = StoreCopy::new("all").from(&old).to(&new).run().await;
    assert!(matches!(refused, Err(CopyError::Target(StoreError::ReadOnly))));
}

#[tokio::test]
async fn stores_behind_dyn_are_copied_too() {
    let old: Arc<dyn EventStoreBackend> = Arc::new(store_of("a1 b1").await);
    let new: Arc<dyn EventStoreBackend> = Arc::new(InMemoryBackend::new());
    StoreCopy::new("all").from(&old).to(&new).run().await.unwrap();
    assert_eq!(told(&new).await, "a.1=a1 b.1=b1");
    let same = StoreCopy::new("other").from(&new).to(&Arc::clone(&new)).into_shared_target().run().await;
    assert!(matches!(same, Err(CopyError::SameStore)));
}
