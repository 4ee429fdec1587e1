use crate::support::Place;

const COMMANDS: [&str; 17] = [
    "stats",
    "streams",
    "inspect",
    "tail",
    "append",
    "import",
    "export",
    "verify",
    "migrate",
    "snapshots",
    "projections",
    "sagas",
    "processes",
    "schemas",
    "bench",
    "completions",
    "man",
];

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Place::new().succeed(&format!("completions {shell}"));
        for command in COMMANDS {
            assert!(script.contains(command), "{shell} does not complete {command}");
        }
        assert!(script.contains("expected") && script.contains("compensate"), "{shell} completes no options");
    }
    assert_eq!(Place::new().run("completions tcsh").code, Some(2));
}

#[test]
fn a_script_for_bash_is_one() {
    let place = Place::new();
    place.write("completions.bash", place.succeed("completions bash"));
    let checked = std::process::Command::new("bash").arg("-n").arg(place.path("completions.bash")).status();
    assert!(checked.unwrap().success());
}

#[test]
fn the_man_page_has_every_command_and_every_exit_code() {
    let page = Place::new().succeed("man");
    for command in COMMANDS {
        assert!(page.contains(&format!("eventstore\\-{command}(1)")), "the man page lacks {command}");
    }
    let (_, codes) = page.split_once(".SH \"EXIT STATUS\"\n").unwrap();
    for code in [0, 1, 2, 3, 129, 130, 143] {
        assert!(codes.contains(&format!(".TP\n\\fB{code}\\fR\n")), "{codes}");
    }
    insta::assert_snapshot!(codes);
}

#[test]
fn a_folder_gets_a_page_for_each_command() {
    let place = Place::new();
    // Whether or not it is there.
    for _ in 0..2 {
        assert_eq!(place.succeed("man share/man1"), "");
    }
    for command in COMMANDS.iter().chain(&["sagas-retry", "schemas-show"]) {
        let page = place.read(&format!("share/man1/eventstore-{command}.1"));
        assert!(page.contains(".SH NAME\n") && page.contains(".SH \"EXIT STATUS\"\n"), "{command}: {page}");
    }
    assert_eq!(place.read("share/man1/eventstore.1").trim_end(), place.succeed("man").trim_end());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let place = Place::new();
    place.write("file", "");
    insta::assert_snapshot!(place.run("man file/man1"));
}
