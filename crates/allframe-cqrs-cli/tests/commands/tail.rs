use crate::support::{FEW, Place, Running, ids, many};

#[test]
fn the_last_events_are_lines() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!(place.run("tail"));
    insta::assert_snapshot!(place.run("tail -n 1 --json"));
}

#[test]
fn any_number_of_events_can_be_asked_for() {
    let place = Place::new();
    let lines = many(10_000, 10);
    place.import(&lines);
    let expected = ids(&lines);
    for last in [0, 1, 10, 4_095, 4_096, 4_097, 9_999, 10_000, 20_000] {
        let shown = ids(&place.succeed(&format!("tail --json -n {last}")));
        assert_eq!(shown, expected[expected.len().saturating_sub(last)..]);
    }
}

#[test]
fn events_from_another_process_are_followed() {
    let place = Place::new();
    let lines = many(3_000, 7);
    let (before, behind) = lines.split_at(lines.match_indices('\n').nth(4).unwrap().0 + 1);
    place.import(before);

    let mut tail = Running::start(place.command("tail --follow --json -n 2"));
    let mut shown: Vec<String> = (0..2).map(|_| tail.line().unwrap()).collect();
    place.import(behind);
    while shown.len() < 2_997 {
        shown.push(tail.line().unwrap());
    }
    assert_eq!(ids(&shown.join("\n")), ids(&lines)[3..]);
    tail.kill();
}
