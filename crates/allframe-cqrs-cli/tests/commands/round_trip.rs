use crate::support::{FEW, Place, many, same_each_time};

/// What an export of `from` is after it went through an import.
fn through_another_store(from: &Place) -> (String, String) {
    let exported = from.succeed("export -");
    let to = Place::new();
    to.import(&exported);
    // When an event was recorded is what the other store has to say for itself.
    (same_each_time(&exported), same_each_time(&to.succeed("export -")))
}

#[test]
fn an_export_that_is_imported_is_exported_the_same() {
    for lines in [FEW.to_owned(), many(5_000, 3), many(5_000, 5_000), String::new()] {
        let place = Place::new();
        place.import(&lines);
        let (exported, again) = through_another_store(&place);
        assert_eq!(again, exported);
    }
}

#[test]
fn every_kind_of_payload_comes_through() {
    let place = Place::new();
    let payloads = [
        r#""data":null"#,
        r#""data":1.10e999"#,
        r#""data":{"b":1,"a":2,"b":3}"#,
        r#""data":"\ud83d\ude00 \u0000 😀""#,
        r#""data_base64":"""#,
        r#""data_base64":"AP8=","encoding":2"#,
        // Says that it is JSON, and is not.
        r#""data_base64":"e25vbmU=","encoding":1"#,
        // Is JSON, and does not say so.
        r#""data_base64":"e30=","encoding":200"#,
    ];
    let line = |payload: &&str| format!("{{\"stream\":\"s\",\"type\":\"T\",{payload}}}\n");
    let lines: String = payloads.iter().map(line).collect();
    place.import(&lines);

    let (exported, again) = through_another_store(&place);
    assert_eq!(again, exported);
    for (line, payload) in exported.lines().zip(payloads) {
        assert!(line.contains(payload), "{payload} in {line}");
    }
}

#[test]
fn json_that_was_stored_with_white_space_is_known_again() {
    let place = Place::new();
    // As an application may have stored it: `{ "a": 1 }`.
    let line = r#"{"stream":"s","type":"T","id":"00000000-0000-7000-8000-000000000001","data_base64":"eyAiYSI6IDEgfQ==","encoding":1}"#;
    place.import(line);
    let exported = place.succeed("export -");
    assert!(exported.contains(r#""data":{"a":1}"#), "{exported}");
    let again = place.run_with_input("import -", &exported);
    assert_eq!(again.stdout, "imported 0, already there 1\n", "{again}");
    assert_eq!(place.succeed("export -"), exported);
}
