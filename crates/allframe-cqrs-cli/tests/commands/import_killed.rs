use crate::support::{Place, Running, ids, many};

/// The number of the last line that says so.
fn acked(lines: &[String]) -> usize {
    lines.last().and_then(|line| line.strip_prefix("acked ")?.parse().ok()).unwrap()
}

#[test]
fn what_was_acknowledged_is_there_and_importing_again_completes_it() {
    for kill_after in [1, 7, 20] {
        let place = Place::new();
        let lines = many(60_000, 37);
        place.write("events.jsonl", &lines);

        let mut import = Running::start(place.command("import events.jsonl --ack"));
        let mut printed: Vec<String> = (0..kill_after).map(|_| import.line().unwrap()).collect();
        printed.extend(import.kill());
        let acked = acked(&printed);

        let there = ids(&place.succeed("export -"));
        assert!(acked <= there.len(), "{acked} acknowledged, {} there", there.len());
        let expected = ids(&lines);
        assert_eq!(there, expected[..there.len()]);

        place.succeed("import events.jsonl");
        assert_eq!(ids(&place.succeed("export -")), expected);
        place.succeed("verify");
    }
}
