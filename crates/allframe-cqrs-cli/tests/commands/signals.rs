//! What a signal ends, and what is left then.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
};

use crate::support::{Place, Running, ids, many, until};

#[test]
fn an_export_that_is_ended_leaves_no_file_behind() {
    let place = Place::new();
    place.import(&many(200_000, 7));
    let mut signals = vec![("-TERM", 143), ("-INT", 130)];
    if hears_hangups() {
        signals.push(("-HUP", 129));
    }
    for command in ["export out/events.jsonl", "export --salvage out/events.jsonl"] {
        for (name, code) in &signals {
            // One may be complete before the signal comes, and not one after the other.
            let is_heard = (0..5).any(|_| is_cut_off(&place, command, name, *code));
            assert!(is_heard, "{command}: {name} is not heard before the end");
        }
    }
}

/// Whether these tests, and what they run, are ended with their terminal: not with `nohup`.
fn hears_hangups() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 0)
}

#[test]
fn an_export_that_is_to_outlive_its_terminal_does() {
    let place = Place::new();
    place.import(&many(50_000, 7));
    for arguments in ["export out/events.jsonl", "export --salvage out/events.jsonl"] {
        // One may be complete before the signal comes, and not one after the other.
        let is_in_time = (0..5).any(|_| comes_to_its_end_in_spite_of_a_hangup(&place, arguments));
        assert!(is_in_time, "{arguments}: no signal came before the end");
    }
}

/// Has the terminal end of an export that is to outlive it, once it has begun its file. Whether it was not complete by then; in the end
/// it is to be.
fn comes_to_its_end_in_spite_of_a_hangup(place: &Place, arguments: &str) -> bool {
    let (folder, file) = (place.path("out"), place.path("out/events.jsonl"));
    fs::create_dir(&folder).unwrap();
    let command = place.command(arguments);
    let mut nohup = Command::new("sh");
    nohup.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(command.get_program());
    nohup.args(command.get_args()).current_dir(place.path(".")).env("EVENTSTORE_STORE", "wal:data");
    let mut export = Running::start_unread(nohup);
    until(|| fs::read_dir(&folder).unwrap().next().is_some());
    export.signal("-HUP");
    // What has ended can still be sent a signal as long as nobody has asked how: that would be no sign of anything.
    let is_on_the_way = export.status().is_none() && !file.exists();
    assert_eq!(export.end().code(), Some(0), "{arguments}");
    assert_eq!(place.read("out/events.jsonl").lines().count(), 50_000, "{arguments}");
    fs::remove_dir_all(&folder).unwrap();
    is_on_the_way
}

/// Whether an export has not come to its end that gets a signal once it has begun its file.
fn is_cut_off(place: &Place, command: &str, signal: &str, code: i32) -> bool {
    let folder = place.path("out");
    let names = || {
        let entries = fs::read_dir(&folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>()
    };
    fs::create_dir(&folder).unwrap();
    let mut export = Running::start_unread(place.command(command));
    until(|| !names().is_empty());
    export.signal(signal);
    let is_complete = match export.end().code() {
        Some(0) => true,
        ended => {
            assert_eq!(ended, Some(code), "{command}: {signal}");
            false
        }
    };
    let left: &[&str] = if is_complete { &["events.jsonl"] } else { &[] };
    assert_eq!(names(), left, "{command}: {signal}");
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

/// An import that waits for more lines than these three, which are stored.
fn import_that_waits(place: &Place, arguments: &str, acked: &str) -> Running {
    let mut command = place.command(&format!("import - --ack {arguments}"));
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut import = Running::start(command);
    import.write(&many(3, 2));
    while import.line().unwrap() != acked {}
    import
}

#[test]
fn an_import_that_is_interrupted_says_how_far_it_came_and_what_to_do() {
    let hangup = Some(("-HUP", 129)).filter(|_| hears_hangups());
    for (name, code) in [("-INT", 130), ("-TERM", 143)].into_iter().chain(hangup) {
        let place = Place::new();
        let mut import = import_that_waits(&place, "", "acked 3");
        import.signal(name);
        let said: Vec<_> = import.notes().collect();
        assert_eq!(import.end().code(), Some(code), "{name}: {said:?}");
        assert_eq!(
            said,
            [
                "note: interrupted, and comes to its end; a second signal ends it at once",
                "imported 3, already there 0, before it was interrupted",
                "error: the import was interrupted",
                "hint: import the file again: lines with an id are not stored twice, and those without one would be",
            ]
        );
        assert_eq!(ids(&place.succeed("export -")), ids(&many(3, 2)), "{name}");
    }
}

#[test]
fn for_programs_how_far_an_interrupted_import_came_is_a_line_of_json() {
    let place = Place::new();
    let mut import = import_that_waits(&place, "--json", r#"{"acked":3}"#);
    import.signal("-INT");
    assert_eq!(import.line().as_deref(), Some(r#"{"imported":3,"already_there":0}"#));
    let told: serde_json::Value = serde_json::from_str(&import.notes().last().unwrap()).unwrap();
    assert_eq!(
        (told["kind"].as_str(), told["exit_code"].as_u64()),
        (Some("interrupted"), Some(130)),
        "{told}"
    );
    assert!(told["hint"].as_str().unwrap().contains("import the file again"), "{told}");
    assert_eq!(import.end().code(), Some(130));
}
