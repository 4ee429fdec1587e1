//! A store in a directory that another process has open for writing.

use crate::support::{Place, ids, importing, many};

#[test]
fn a_store_that_is_written_can_be_looked_at() {
    let place = Place::new();
    let lines = many(500, 7);
    let import = importing(|arguments| place.command(arguments), &lines);
    assert_eq!(ids(&place.succeed("export -")), ids(&lines));
    assert!(place.succeed("stats --json").starts_with(r#"{"total_events":500,"total_streams":7,"#));
    assert_eq!(place.succeed("tail -n 3").lines().count(), 3);
    assert!(place.succeed("verify --json").starts_with(r#"{"sound":true,"events":500,"streams":7,"#));
    assert_eq!(import.finish(), Some(0));
}

#[test]
fn a_store_that_is_written_has_no_second_writer() {
    let place = Place::new();
    let _import = importing(|arguments| place.command(arguments), &many(1, 1));
    insta::assert_snapshot!(place.run("import -"));
}
