use crate::support::{FEW, Outcome, Place, many};

/// How many bytes were read depends on the form of the log.
fn without_bytes(outcome: &Outcome) -> String {
    let text = outcome.to_string();
    let (before, after) = match text.split_once("\"bytes\":") {
        Some((before, after)) => (format!("{before}\"bytes\":"), after),
        None => {
            let (before, after) = text.split_once("; ").unwrap();
            (format!("{before}; "), after)
        }
    };
    format!("{before}[bytes]{}", after.trim_start_matches(|character: char| character.is_ascii_digit()))
}

#[test]
fn a_sound_store_is_sound() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!(without_bytes(&place.run("verify")));
    insta::assert_snapshot!(without_bytes(&place.run("verify --json")));
}

#[test]
fn a_flipped_bit_is_found_where_it_is() {
    let place = Place::new();
    place.import(&many(3_000, 5));
    place.flip_a_bit();

    let outcome = place.run("verify");
    assert_eq!(outcome.code, Some(1), "{outcome}");
    insta::assert_snapshot!(without_bytes(&outcome));
    let json = place.run("verify --json");
    assert_eq!(json.code, Some(1), "{json}");
    assert!(json.stdout.starts_with(r#"{"sound":false,"#), "{json}");

    // What comes to the place shows what is whole before it and says so, and does not pretend that the store ends there.
    for command in ["export -", "inspect account-3"] {
        let outcome = place.run(command);
        assert_eq!(outcome.code, Some(1), "{command}: {outcome}");
        assert!(outcome.stderr.contains("error: the store is damaged at "), "{command}: {outcome}");
    }
    let exported = place.run("export -").stdout;

    // What is whole behind it can be had too.
    let saved = place.run("export --salvage -");
    assert_eq!(saved.code, Some(1), "{saved}");
    assert!(saved.stderr.starts_with("damaged: ") && saved.stderr.contains("not to be found"), "{saved}");
    assert!(saved.stdout.starts_with(&exported) && !exported.is_empty());
    let (before, all) = (exported.lines().count(), saved.stdout.lines().count());
    assert!(before < all && all < 3_000, "{before} {all}");
    assert!(saved.stdout.trim_end().ends_with('}') && saved.stdout.contains(r#""position":3000,"#));
}

#[test]
fn of_a_sound_store_everything_is_saved() {
    let place = Place::new();
    place.import(FEW);
    assert_eq!(place.succeed("export --salvage -"), place.succeed("export -"));
}
