use insta::assert_snapshot;

use crate::support::{FEW, Place, many};

#[test]
fn they_are_listed_by_their_names() {
    let place = Place::new();
    place.import(FEW);
    assert_snapshot!(place.run("streams"));
    assert_snapshot!(place.run("streams --json"));
}

#[test]
fn a_part_of_them_is_listed() {
    let place = Place::new();
    place.import(FEW);
    let listed = place.succeed("streams --prefix account-8 --json");
    assert_eq!(listed.lines().count(), 1);
    assert!(listed.starts_with(r#"{"stream":"account-8","events":1,"version":1,"#), "{listed}");
    assert_eq!(place.succeed("streams --prefix nobody --json"), "");
    for nothing in ["streams --prefix nobody", "streams --prefix nobody --category"] {
        assert_eq!(place.succeed(nothing), "there are no such streams\n");
    }
    let too_long = format!("--prefix {}", "x".repeat(600));
    for command in ["streams", "tail"] {
        let outcome = place.run(&format!("{command} {too_long}"));
        assert_eq!(outcome.code, Some(2), "{command}: {outcome}");
    }
}

#[test]
fn categories_sum_up_their_streams() {
    let place = Place::new();
    place.import(FEW);
    place.import(r#"{"stream":"till-3","type":"Counted","data":1}"#);
    assert_snapshot!(place.run("streams --category"));
    assert_snapshot!(place.run("streams --category --json"));
}

#[test]
fn every_event_is_counted_once() {
    let place = Place::new();
    place.import(&many(10_000, 33));
    let listed = place.succeed("streams --json");
    let streams: Vec<serde_json::Value> =
        listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = streams.iter().map(|stream| stream["stream"].as_str().unwrap()).collect();
    assert!(names.len() == 33 && names.is_sorted());
    assert_eq!(streams.iter().map(|stream| stream["events"].as_u64().unwrap()).sum::<u64>(), 10_000);
    assert_eq!(streams.iter().map(|stream| stream["last_position"].as_u64().unwrap()).max(), Some(10_000));
}
