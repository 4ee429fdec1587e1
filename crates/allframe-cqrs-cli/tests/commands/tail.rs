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

#[test]
#[cfg(target_os = "linux")]
fn following_ends_where_nobody_reads_though_nothing_comes() {
    let place = Place::new();
    place.import(FEW);
    let mut tail = Running::start(place.command("tail --follow -n 1"));
    tail.line().unwrap();
    // As `head -n 1` does.
    drop(tail.lines());
    assert_eq!(tail.end().code(), Some(0));
}

#[test]
fn only_what_is_asked_for_is_shown() {
    let place = Place::new();
    place.import(FEW);
    place.import(r#"{"stream":"till-3","type":"Counted","data":1,"tags":["till:3"],"id":"00000000-0000-7000-8000-000000000005"}"#);
    let shown = |arguments: &str| -> Vec<char> {
        let lines = place.succeed(&format!("tail --json {arguments}"));
        ids(&lines).iter().map(|id| id.chars().last().unwrap()).collect()
    };
    assert_eq!(shown("--type Opened"), ['1', '2']);
    assert_eq!(shown("--type Opened --type Counted"), ['1', '2', '5']);
    assert_eq!(shown("--prefix account-7"), ['1', '3', '4']);
    assert_eq!(shown("--prefix account-8 --prefix till"), ['2', '5']);
    assert_eq!(shown("--tag till:3"), ['3', '5']);
    assert_eq!(shown("--tag till:3 --tag branch:zürich"), ['3']);
    assert_eq!(shown("--type Deposited --prefix account --tag till:3"), ['3']);
    assert_eq!(shown("--type Nothing"), [' '; 0]);
    // Of those that are asked for, not of all.
    assert_eq!(shown("-n 1 --type Opened"), ['2']);
    assert_eq!(shown("--after 2"), ['3', '4', '5']);
    assert_eq!(shown("--after 1 --prefix account-7"), ['3', '4']);
    assert_eq!(shown("--after 5"), [' '; 0]);
    for wrong in ["tail --tag red", "tail --after 1 -n 1", "tail --after soon"] {
        assert_eq!(place.run(wrong).code, Some(2), "{wrong}");
    }
}

#[test]
fn only_what_is_asked_for_is_followed() {
    let place = Place::new();
    let lines = many(900, 7);
    place.import("");
    let mut tail = Running::start(place.command("tail --follow --json --prefix account-3 --after 0"));
    place.import(&lines);
    let expected: Vec<String> =
        lines.lines().filter(|line| line.contains("\"account-3\"")).flat_map(ids).collect();
    assert!(expected.len() > 100);
    let shown: Vec<String> = expected.iter().map(|_| tail.line().unwrap()).collect();
    assert_eq!(ids(&shown.join("\n")), expected);
    tail.kill();
}
