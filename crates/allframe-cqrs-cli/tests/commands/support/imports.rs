//! Imports in the middle.

use std::process::{Command, Stdio};

use super::{Outcome, Place, Running, ids};

/// An import that has a store open, with this much in it, until its input ends. `program` is given arguments, and runs on that store.
pub(crate) fn importing(program: impl Fn(&str) -> Command, lines: &str) -> Running {
    let mut command = program("import - --ack");
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut import = Running::start(command);
    import.write(lines);
    let all = format!("acked {}", lines.lines().count());
    while import.line().unwrap() != all {}
    import
}

/// Kills an import of these lines once so many batches of them are acknowledged, and imports them again. What was acknowledged is
/// there in between, and all of it afterwards, once. How many lines there were in between tells whether the first import was cut off.
///
/// `program` is given arguments, and runs in `place` on an empty store.
pub(crate) fn killed_and_completed(
    place: &Place,
    program: impl Fn(&str) -> Command,
    lines: &str,
    batches: usize,
) -> usize {
    let succeed = |arguments: &str| {
        let outcome = Outcome::from(program(arguments).output().unwrap());
        assert_eq!(outcome.code, Some(0), "{outcome}");
        outcome.stdout
    };
    place.write("events.jsonl", lines);

    let mut import = Running::start(program("import events.jsonl --ack"));
    let mut printed: Vec<String> = (0..batches).map(|_| import.line().unwrap()).collect();
    printed.extend(import.kill());
    let acked: usize = printed.last().unwrap().strip_prefix("acked ").unwrap().parse().unwrap();

    // What was on its way when it was killed may be whole, and a log is not exported without it.
    succeed("recover");
    let there = ids(&succeed("export -"));
    assert!(acked <= there.len(), "{acked} acknowledged, {} there", there.len());
    let expected = ids(lines);
    assert_eq!(there, expected[..there.len()]);

    succeed("import events.jsonl");
    assert_eq!(ids(&succeed("export -")), expected);
    succeed("verify");
    there.len()
}
