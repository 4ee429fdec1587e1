use crate::support::{FEW, Place, many};

/// The output with what depends on the form of the log made the same.
fn without_bytes(output: &str) -> String {
    let (before, bytes) = output.rsplit_once("bytes").unwrap();
    let is_digit = |character: char| character.is_ascii_digit();
    let number: String = bytes.chars().filter(|c| is_digit(*c)).collect();
    assert!(number.parse::<u64>().unwrap() > 0);
    format!("{before}bytes{}", bytes.replacen(&number, "[bytes]", 1))
}

#[test]
fn for_people() {
    let place = Place::new();
    place.import(FEW);
    insta::assert_snapshot!(without_bytes(&place.succeed("stats")));
}

#[test]
fn for_programs() {
    let place = Place::new();
    place.import(&many(3_000, 17));
    insta::assert_snapshot!(without_bytes(&place.succeed("stats --json")));
}

#[test]
fn of_a_store_without_files() {
    insta::assert_snapshot!(Place::new().run("--store memory: stats"));
    insta::assert_snapshot!(Place::new().run("--store memory: stats --json"));
}
