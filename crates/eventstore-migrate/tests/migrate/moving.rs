use std::sync::Mutex;

use eventstore_api::{AppendBatch, EventStoreBackend, ExpectedVersion, GlobalPosition};
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::{Migration, MigrationPhase};
use eventstore_wal::WalBackend;

use crate::stores::{append, assert_same, event, fill, save, stream};

#[tokio::test]
async fn a_store_in_memory_becomes_one_on_disk_and_back() {
    let directory = tempfile::tempdir().unwrap();
    let (memory, back) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&memory).await;
    let wal = WalBackend::production(directory.path()).unwrap();
    let report = Migration::new(&memory, &wal).run().await.unwrap();
    assert_same(&memory, &wal).await;
    assert_eq!(report.caught_up.events, memory.stats().await.unwrap().total_events);
    assert_eq!(report.caught_up.snapshots, 3);
    assert_eq!((report.verified.events, report.verified.snapshots), (report.caught_up.events, 3));
    assert!(report.verified.is_complete());

    wal.close().await.unwrap();
    drop(wal);
    let wal = WalBackend::production(directory.path()).unwrap();
    let there = Migration::new(&wal, &back).run().await.unwrap();
    assert_same(&memory, &back).await;
    assert_eq!(there.verified.digest, report.verified.digest);
}

#[tokio::test]
async fn the_next_run_copies_what_came_since() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    let migration = Migration::new(&old, &new).page_events(7);
    let first = migration.run().await.unwrap();
    append(&old, "late", 3).await;
    save(&old, "a", 6).await;
    save(&old, "late", 1).await;
    let second = migration.run().await.unwrap();
    assert_eq!((second.caught_up.events, second.caught_up.snapshots), (3, 2));
    assert_same(&old, &new).await;
    let third = migration.run().await.unwrap();
    assert_eq!((third.caught_up.events, third.caught_up.snapshots), (0, 0));
    assert_eq!(third.verified.digest, second.verified.digest);
    assert_ne!(first.verified.digest, second.verified.digest);
}

#[tokio::test]
async fn pages_of_any_size_come_to_the_same() {
    let old = InMemoryBackend::new();
    fill(&old).await;
    for (events, bytes) in [(1, 1 << 20), (2, 0), (13, 100), (1_000, 1 << 20)] {
        let new = InMemoryBackend::new();
        Migration::new(&old, &new).page_events(events).page_bytes(bytes).run().await.unwrap();
        assert_same(&old, &new).await;
    }
}

#[tokio::test]
async fn an_empty_store_moves_too() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    let report = Migration::new(&old, &new).run().await.unwrap();
    assert_eq!((report.verified.events, report.verified.head), (0, GlobalPosition::START));
    assert!(report.verified.is_complete());
    save(&old, "nobody", 3).await;
    Migration::new(&old, &new).run().await.unwrap();
    assert_same(&old, &new).await;
}

#[tokio::test]
async fn whoever_repeats_to_the_new_store_what_the_old_one_has_stored_is_told_the_same() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    let batch = AppendBatch::single(stream("a"), ExpectedVersion::NoStream, vec![event("once")]);
    let outcome = old.append_all(batch.clone()).await.unwrap();
    fill(&old).await;
    Migration::new(&old, &new).run().await.unwrap();
    let before = new.stats().await.unwrap();
    assert_eq!(new.append_all(batch).await.unwrap(), outcome);
    assert_eq!(new.stats().await.unwrap(), before);
}

#[tokio::test]
async fn whoever_asks_is_told_how_far_it_is() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    fill(&old).await;
    let told = Mutex::new(Vec::new());
    let migration = Migration::new(&old, &new)
        .page_events(10)
        .on_progress(|progress| told.lock().unwrap().push(*progress));
    let report = migration.run().await.unwrap();
    migration.verify().await.unwrap();
    drop(migration);
    let told = told.into_inner().unwrap();
    // What is compared while more is copied is not told of.
    let copied = told.iter().rposition(|progress| progress.phase == MigrationPhase::Copying).unwrap();
    let copied = &told[..=copied];
    assert!(copied.iter().all(|progress| progress.phase == MigrationPhase::Copying), "{told:?}");
    assert!(copied.is_sorted_by_key(|progress| progress.position));
    for phase in [MigrationPhase::Copying, MigrationPhase::Verifying] {
        let of_phase: Vec<_> = told.iter().filter(|progress| progress.phase == phase).collect();
        assert!(of_phase.len() > 3, "{phase:?} was told of {} times", of_phase.len());
        let last = of_phase.last().unwrap();
        assert_eq!((last.position, last.share()), (report.verified.head, 1.0));
    }
}

#[tokio::test]
async fn a_report_can_be_read() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    let report = Migration::new(&old, &new).run().await.unwrap();
    insta::assert_snapshot!(report, @"0 events and 0 snapshots copied; the same up to position 0: 0 events and 0 snapshots, sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
