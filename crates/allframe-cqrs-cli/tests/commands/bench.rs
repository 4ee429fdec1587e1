use crate::support::{FEW, Place};

#[test]
fn a_store_of_its_own_is_measured() {
    let place = Place::new();
    let table = place.succeed("bench --events 300 --writers 3 --payload 50");
    assert!(table.starts_with("300 events of 50 bytes, by 3 at a time\n"), "{table}");
    for what in ["EVENTS/S", "P99 US", "append ", "read all "] {
        assert!(table.contains(what), "{table}");
    }
    // They are there, durable, and as they should be.
    assert!(place.succeed("verify --json").starts_with(r#"{"sound":true,"events":300,"streams":3,"#));
}

#[test]
fn for_programs_it_is_numbers() {
    let place = Place::with("memory:");
    let report: serde_json::Value =
        serde_json::from_str(&place.succeed("bench --events 1000 --writers 7 --json")).unwrap();
    assert_eq!((report["events"].as_u64(), report["payload_bytes"].as_u64()), (Some(1_000), Some(200)));
    let micros = |what: &str| report["append_micros"][what].as_u64().unwrap();
    assert!(micros("p50") <= micros("p99") && micros("p99") <= micros("max"), "{report}");
    for what in ["appends_per_second", "reads_per_second"] {
        assert!(report[what].as_u64().unwrap() > 0, "{report}");
    }
}

#[test]
fn a_store_that_holds_events_is_left_alone_unless_said_otherwise() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!(place.run("bench --events 10"));
    assert_eq!(place.succeed("export -").lines().count(), 4);
    place.succeed("bench --events 10 --yes");
    assert_eq!(place.succeed("export -").lines().count(), 14);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    for arguments in ["bench --events 0", "bench --writers 0", "bench --payload 1"] {
        assert_eq!(Place::new().run(arguments).code, Some(2), "{arguments}");
    }
}
