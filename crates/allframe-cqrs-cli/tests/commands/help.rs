use crate::support::Place;

#[test]
fn of_the_program() {
    insta::assert_snapshot!(Place::new().run("--help"));
}

#[test]
fn of_every_command() {
    for command in ["import", "export", "verify", "stats", "inspect", "tail", "schemas"] {
        insta::assert_snapshot!(format!("of_{command}"), Place::new().run(&format!("{command} --help")));
    }
}

#[test]
fn of_every_command_there_is() {
    let help = Place::new().succeed("--help");
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let names: Vec<&str> = commands
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names, ["import", "export", "verify", "stats", "inspect", "tail", "schemas", "help"]);
}

#[test]
fn of_every_command_about_schemas() {
    for command in ["list", "show", "diff", "check"] {
        let help = Place::new().run(&format!("schemas {command} --help"));
        insta::assert_snapshot!(format!("of_schemas_{command}"), help);
    }
}
