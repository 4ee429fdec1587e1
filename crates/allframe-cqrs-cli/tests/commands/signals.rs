//! What a signal ends, and what is left then.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::process::ExitStatusExt,
    process::Command,
};

use crate::support::{Place, Running, many, until};

#[test]
fn an_export_that_is_ended_leaves_no_file_behind() {
    let place = Place::new();
    place.import(&many(200_000, 7));
    for (name, code) in [("-TERM", 143), ("-INT", 130)] {
        // One may be complete before the signal comes, and not one after the other.
        assert!((0..5).any(|_| is_cut_off(&place, name, code)), "{name} is not heard before the end");
    }
}

/// Whether an export has not come to its end that gets a signal once it has begun its file.
fn is_cut_off(place: &Place, signal: &str, code: i32) -> bool {
    let folder = place.path("out");
    let names = || {
        let entries = fs::read_dir(&folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>()
    };
    fs::create_dir(&folder).unwrap();
    let mut export = Running::start_unread(place.command("export out/events.jsonl"));
    until(|| !names().is_empty());
    export.signal(signal);
    let is_complete = match export.end().code() {
        Some(0) => true,
        ended => {
            assert_eq!(ended, Some(code), "{signal}");
            false
        }
    };
    let left: &[&str] = if is_complete { &["events.jsonl"] } else { &[] };
    assert_eq!(names(), left, "{signal}");
    fs::remove_dir_all(&folder).unwrap();
    !is_complete
}

/// Whoever writes into a pipe waits for its reader, and hears nothing meanwhile.
#[test]
fn an_export_whose_reader_does_not_go_on_can_be_ended() {
    let place = Place::new();
    // More than the pipe holds.
    place.import(&many(20_000, 7));

    let mut to_its_output = Running::start(place.command("export -"));
    to_its_output.line().unwrap();
    is_ended(to_its_output);

    assert!(Command::new("mkfifo").arg(place.path("pipe")).status().unwrap().success());
    let to_a_pipe = Running::start_unread(place.command("export pipe"));
    // Opened when somebody writes there.
    let mut pipe = File::open(place.path("pipe")).unwrap();
    pipe.read_exact(&mut [0]).unwrap();
    is_ended(to_a_pipe);
}

fn is_ended(mut export: Running) {
    const TERMINATED: i32 = 15;
    export.signal("-TERM");
    assert_eq!(export.end().signal(), Some(TERMINATED));
}
