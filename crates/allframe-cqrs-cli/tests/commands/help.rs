use std::collections::BTreeSet;

use crate::support::Place;

/// All commands, and the commands of these, as they are called: `sagas show`.
fn commands() -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(command) = open.pop() {
        let help = Place::new().succeed(&format!("{command} --help"));
        let listed = help.split_once("Commands:\n").map_or("", |(_, behind)| behind);
        for line in listed.lines().take_while(|line| !line.is_empty()) {
            let name = line.strip_prefix("  ").and_then(|line| line.split(' ').next()).unwrap_or_default();
            // What does not begin there goes on with a description.
            if !name.is_empty() && name != "help" {
                open.push(format!("{command} {name}").trim().to_owned());
            }
        }
        if !command.is_empty() {
            found.push(command);
        }
    }
    found.sort();
    found
}

fn name(command: &str) -> String {
    format!("of_{}", command.replace(' ', "_"))
}

#[test]
fn of_the_program() {
    insta::assert_snapshot!(Place::new().run("--help"));
}

#[test]
fn of_every_command_there_is() {
    for command in commands() {
        insta::assert_snapshot!(name(&command), Place::new().run(&format!("{command} --help")));
    }
}

#[test]
fn no_command_is_without_a_snapshot_of_its_help_and_no_snapshot_without_a_command() {
    let snapshots = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/commands/snapshots");
    let names = snapshots.read_dir().unwrap().filter_map(|entry| {
        let file = entry.unwrap().file_name().into_string().unwrap();
        Some(file.strip_prefix("commands__help__")?.strip_suffix(".snap")?.to_owned())
    });
    let kept: BTreeSet<String> = names.filter(|name| name != "of_the_program").collect();
    let expected: BTreeSet<String> = commands().iter().map(|command| name(command)).collect();
    assert_eq!(kept, expected);
}

#[test]
fn the_commands_are_those_that_the_page_explains() {
    let page = include_str!("../../../../docs/eventstore-tool.md");
    let commands = commands();
    assert!(commands.len() > 20, "{commands:?}");
    for command in commands {
        assert!(
            page.contains(&format!("`{command}")),
            "docs/eventstore-tool.md does not explain `{command}`"
        );
    }
}

#[test]
fn the_readme_shows_every_command() {
    let readme = include_str!("../../README.md");
    let lines: Vec<_> = readme.lines().filter(|line| line.starts_with("$ eventstore ")).collect();
    for command in commands().iter().filter(|command| !command.contains(' ')) {
        let is_shown = lines.iter().any(|line| line.split(' ').any(|word| word == command));
        assert!(is_shown, "crates/allframe-cqrs-cli/README.md does not show `{command}`");
    }
}
