use crate::{
    postgres_support::Schema,
    support::{FEW, Outcome, Place, Running, ids, importing, many, until},
};

/// Everything that can be seen of a store, places and times included.
fn all_of(place: &Place, url: &str) -> String {
    let lines = place.command(&format!("--store {url} export -")).output().unwrap();
    assert!(lines.status.success());
    String::from_utf8(lines.stdout).unwrap()
}

/// How many events are in a store that is being written. Before it is begun, it cannot be looked at.
fn events(place: &Place, url: &str) -> usize {
    let stats = place.run(&format!("--store {url} stats --json")).stdout;
    let events = stats.split_once("\"total_events\":").and_then(|(_, rest)| rest.split(',').next());
    events.map_or(0, |events| events.parse().unwrap())
}

/// Kills migrations, one after the other, each once so many events have come. How many there are then tells whether one was cut off.
fn killed<const N: usize>(place: &Place, to: &str, least: [usize; N]) -> [usize; N] {
    least.map(|least| {
        let migrating = Running::start_unread(place.command(&format!("migrate --from wal:data --to {to}")));
        until(|| events(place, to) >= least);
        migrating.kill();
        events(place, to)
    })
}

fn migrate(place: &Place, to: &str) -> Outcome {
    place.run(&format!("migrate --from wal:data --to {to}"))
}

#[test]
fn a_store_becomes_another_with_every_place_and_time() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!("a_store_is_moved", without_digest(migrate(&place, "wal:new")));
    assert_eq!(all_of(&place, "wal:data"), all_of(&place, "wal:new"));
    // And what is there is not brought again.
    insta::assert_snapshot!("it_is_there_already", without_digest(migrate(&place, "wal:new")));
    insta::assert_snapshot!(
        "for_programs",
        without_digest(place.run("migrate --from wal:data --to wal:new --json"))
    );
}

/// A digest is of ids, which the test gives, and of times.
fn without_digest(outcome: Outcome) -> String {
    let shown = outcome.to_string();
    let mut parts = shown.split(|character: char| !character.is_ascii_hexdigit());
    let digest = parts.find(|part| part.len() == 64).unwrap().to_owned();
    shown.replace(&digest, "[digest]")
}

#[test]
fn a_store_goes_to_a_server_and_comes_back() {
    let schema = Schema::new();
    let place = &schema.place;
    place.import(&many(25_000, 1_000));
    place.import(FEW);
    place.succeed("append till-9 Counted --data 5");
    let outcome = migrate(place, &schema.url());
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert_eq!(all_of(place, "wal:data"), all_of(place, &schema.url()));
    schema.succeed("verify");
    place.succeed(&format!("migrate --from {} --to wal:back", schema.url()));
    assert_eq!(all_of(place, "wal:data"), all_of(place, "wal:back"));
    // It goes on as the store would have.
    let appended = schema.succeed("append till-9 Counted --data 6 --expected 1");
    assert!(appended.contains("25006"), "{appended}");
    // And what the store has of lines is known there.
    assert_eq!(schema.import(FEW), "imported 0, already there 4\n");
}

#[test]
fn what_was_killed_on_the_way_is_gone_on_with() {
    let place = Place::new();
    place.import(&many(120_000, 37));
    let there = killed(&place, "wal:new", [1, 20_000, 50_000, 80_000, 119_000]);
    assert!(there.iter().any(|events| *events < 120_000), "none was killed on the way");
    place.succeed("migrate --from wal:data --to wal:new");
    assert_eq!(all_of(&place, "wal:data"), all_of(&place, "wal:new"));
    place.succeed("--store wal:new verify");
}

#[test]
fn what_was_killed_on_the_way_to_a_server_is_gone_on_with() {
    let schema = Schema::new();
    let place = &schema.place;
    place.import(&many(60_000, 1_000));
    let to = schema.url();
    let there = killed(place, &to, [1, 30_000]);
    assert!(there.iter().any(|events| *events < 60_000), "none was killed on the way");
    place.succeed(&format!("migrate --from wal:data --to {to}"));
    assert_eq!(all_of(place, "wal:data"), all_of(place, &to));
}

#[test]
fn a_store_in_use_is_followed_until_the_end_is_called() {
    let place = Place::new();
    place.import(&many(2_000, 7));
    let following = Running::start(place.command("migrate --from wal:data --to wal:new --follow"));
    // Another process writes meanwhile, and has ended when the end is called.
    for amount in 0..20 {
        place.succeed(&format!("append account-3 Deposited --data {amount}"));
    }
    let (code, lines) = following.interrupt();
    assert_eq!(code, Some(0), "{lines:?}");
    assert_eq!(lines[0], "copied 2020 events and 0 snapshots, to position 2020");
    assert_eq!(all_of(&place, "wal:data"), all_of(&place, "wal:new"));
}

#[test]
fn a_store_that_holds_something_else_is_refused() {
    let place = Place::new();
    place.import(FEW);
    place.succeed(
        "--store wal:new append account-9 Opened --data 1 --id 00000000-0000-7000-8000-000000000009",
    );
    insta::assert_snapshot!("the_target_holds_something_else", migrate(&place, "wal:new"));
    assert_eq!(ids(&all_of(&place, "wal:new")).len(), 1);
}

#[test]
fn a_store_that_is_damaged_is_named_as_the_one_that_failed() {
    let place = Place::new();
    place.import(&many(3_000, 5));
    place.flip_a_bit();
    // The second time there is nothing left to be copied.
    for _ in 0..2 {
        let outcome = migrate(&place, "wal:new");
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{outcome}");
        let said = "error: the store to migrate from failed: the store is damaged at ";
        assert!(outcome.stderr.contains(said), "{outcome}");
        assert!(outcome.stderr.contains("\nhint: `verify` says where the store is damaged"), "{outcome}");
    }
}

#[test]
fn a_store_is_not_migrated_to_itself_and_one_that_is_not_there_is_named() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!("to_itself", migrate(&place, "wal:data"));
    insta::assert_snapshot!("from_nowhere", place.run("migrate --from wal:nowhere --to wal:new"));
    insta::assert_snapshot!("without_a_target", place.run("migrate --from wal:data"));
}

#[test]
fn a_store_in_memory_is_an_empty_one() {
    let place = Place::new();
    insta::assert_snapshot!("from_memory", without_digest(place.run("migrate --from memory: --to wal:new")));
}

/// The copy would be gone at the end, and the report would say that all is well.
#[test]
fn nothing_is_migrated_to_memory() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!("to_memory", migrate(&place, "memory:"));
    assert_eq!(place.run("migrate --from memory: --to memory:").code, Some(2));
}

#[test]
fn a_store_that_is_written_is_no_target() {
    let place = Place::new();
    place.import(FEW);
    place.succeed("--store wal:new append account-9 Opened --data 1");
    let _import = importing(|arguments| place.command(arguments), &many(1, 1));
    insta::assert_snapshot!("to_one_that_is_written", place.run("migrate --from wal:new --to wal:data"));
}
