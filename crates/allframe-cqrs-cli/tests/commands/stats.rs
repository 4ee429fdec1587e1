use crate::support::{FEW, Place, many, without_sizes};

#[test]
fn for_people() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!(without_sizes(&place.succeed("stats")));
}

#[test]
fn for_programs() {
    let place = Place::new();
    place.import(&many(3_000, 17));
    insta::assert_snapshot!(without_sizes(&place.succeed("stats --json")));
}

#[test]
fn of_a_store_without_files() {
    insta::assert_snapshot!(Place::new().run("--store memory: stats"));
    insta::assert_snapshot!(Place::new().run("--store memory: stats --json"));
}

#[test]
fn growth_and_rate_are_drawn() {
    let place = Place::new();
    place.import(&many(3_000, 17));
    let drawn = place.succeed("stats --plot");
    assert!(drawn.contains("\nevents so far\n") && drawn.contains("\nevents in each "), "{drawn}");
    let (_, growth) = drawn.split_once("events so far\n").unwrap();
    assert!(growth.starts_with("3000 ┤"), "{growth}");
    // In a pipe it is 80 wide.
    let widest = drawn.lines().map(|line| line.chars().count()).max();
    assert_eq!(widest, Some(4 + 2 + 66), "{drawn}");
}

#[test]
fn for_programs_growth_is_numbers() {
    let place = Place::new();
    place.import(&many(3_000, 17));
    let stats: serde_json::Value = serde_json::from_str(&place.succeed("stats --plot --json")).unwrap();
    let events = stats["plot"]["events"].as_array().unwrap();
    assert_eq!(events.iter().map(|events| events.as_u64().unwrap()).sum::<u64>(), 3_000);
    assert!(stats["plot"]["micros_each"].as_u64().unwrap() > 0);
}

#[test]
fn of_nothing_there_is_nothing_to_draw() {
    insta::assert_snapshot!(Place::new().run("--store memory: stats --plot"), @r"
    exit code 0
    --- stdout
    events                                0
    streams                               0
    snapshots                             0
    head                                  0
    in-memory.payload_bytes               0
    in-memory.event_types                 0

    there is nothing to draw: the store holds no events
    --- stderr
    ");
}
