use crate::support::{FEW, Place};

const ESCAPE: char = '\u{1b}';

/// Colours are for terminals; `CLICOLOR_FORCE` asks for them in a pipe, which a test can look at.
fn shown(place: &Place, arguments: &str, environment: &[(&str, &str)]) -> (String, String) {
    let output = place.command(arguments).envs(environment.iter().copied()).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_people_look_at_is_coloured_where_they_want_it() {
    let place = Place::new();
    place.import(FEW);
    for arguments in ["inspect account-7", "tail", "streams", "stats --plot"] {
        let (coloured, _) = shown(&place, arguments, &[("CLICOLOR_FORCE", "1")]);
        assert!(coloured.contains(ESCAPE), "{arguments}: {coloured}");
    }
    let (_, error) = shown(&place, "inspect nobody", &[("CLICOLOR_FORCE", "1")]);
    assert!(error.contains(ESCAPE), "{error}");
}

#[test]
fn there_are_none_in_a_pipe_and_none_with_no_color() {
    let place = Place::new();
    place.import(FEW);
    for environment in [&[][..], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], &[("TERM", "dumb")]] {
        for arguments in ["inspect account-7", "tail", "streams", "stats --plot", "inspect nobody", "--help"]
        {
            let (stdout, stderr) = shown(&place, arguments, environment);
            assert!(!stdout.contains(ESCAPE) && !stderr.contains(ESCAPE), "{arguments} {environment:?}");
        }
    }
}

#[test]
fn what_programs_read_is_never_coloured() {
    let place = Place::new();
    place.import(FEW);
    for arguments in
        ["inspect account-7 --json", "tail --json", "streams --json", "export -", "inspect nobody --json"]
    {
        let (stdout, stderr) = shown(&place, arguments, &[("CLICOLOR_FORCE", "1")]);
        assert!(!stdout.contains(ESCAPE) && !stderr.contains(ESCAPE), "{arguments}");
    }
}
