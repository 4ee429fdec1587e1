//! Passwords in URLs, and wherever else somebody writes them: none is shown.

use crate::support::{FEW, Outcome, Place};

#[test]
fn a_url_in_the_wrong_place_is_shown_without_its_password() {
    let place = Place::new();
    place.import(FEW);
    let url = "postgresql://ann:secret@h/db";
    for arguments in [
        format!("stats {url}"),
        format!("{url} stats"),
        "stats Postgresql://ann:secret@h/db".to_owned(),
        format!("stats --json={url}"),
        format!("bench --events {url}"),
        format!("import {url}"),
        format!("inspect {url}"),
        format!("snapshots {url}"),
        format!("inspect {url} --json"),
        "--store postgresql://ann:secret%40h/db stats".to_owned(),
        "--store postgresql://ann:secret/db stats".to_owned(),
        "--store ann:secret stats".to_owned(),
        "--store Pwd=secret;Host=db stats".to_owned(),
        "schemas check data nofolder:secret".to_owned(),
        "postgresql:/ann:secret@h/db stats".to_owned(),
        "import postgresql:ann:secret@h".to_owned(),
        "inspect ann:secret@h/db --json".to_owned(),
        "append --expected 1 --json postgresql:ann:secret@h T".to_owned(),
        "password:secret stats".to_owned(),
        "--store postgresql://ann%3Asecret@127.0.0.1:1/db stats".to_owned(),
        "--store postgresql://127.0.0.1:1/db?options=-c%20x.password%3Dsecret stats".to_owned(),
    ] {
        let outcome = place.run(&arguments);
        assert!(!outcome.stderr.contains("secret") && !outcome.stdout.contains("secret"), "{outcome}");
        assert!(outcome.code != Some(0) && !outcome.stderr.is_empty(), "{arguments}: {outcome}");
    }
}

#[test]
fn a_password_is_not_shown_whatever_stands_in_it() {
    let place = Place::new();
    place.import(FEW);
    for around in ["\"", "'", "`", " ", "\n", "\\", "\\\"", "\u{7} ", "\u{1b}[1m ", "ü", "=", "' '"] {
        let password = format!("SEC{around}RET");
        let url = format!("postgres://ann:{password}@127.0.0.1:1/db");
        let setting = format!("host=127.0.0.1 port=1 password={password}");
        for arguments in [
            "stats",
            "import",
            "import --json",
            "inspect",
            "inspect --json",
            "append s T --json --id",
            "bench --events",
            "schemas check data",
            "schemas check --json data",
            "stats --store",
            "stats --json --store",
        ] {
            for said in [&url, &setting] {
                let outcome = place.run_with(arguments, said);
                let shown = format!("{}{}", outcome.stdout, outcome.stderr);
                assert!(!shown.contains("SEC") && !shown.contains("RET"), "{arguments} {said}: {outcome}");
                assert!(outcome.code != Some(0) && !outcome.stderr.is_empty(), "{arguments}: {outcome}");
            }
        }
        let outcome = place.run_with("stats", &format!("--json={url}"));
        assert!(!outcome.stderr.contains("SEC") && !outcome.stderr.contains("RET"), "{outcome}");
    }
}

#[test]
fn an_error_about_a_url_is_json_for_programs() {
    let place = Place::new();
    place.import(FEW);
    let told = |outcome: &Outcome| -> serde_json::Value { serde_json::from_str(&outcome.stderr).unwrap() };
    for password in ["secret", "se\"cret", "se cret", "se\\cret", "se\ncret"] {
        let outcome = place.run_with("import --json", &format!("postgres://ann:{password}@h/db"));
        let begin = "cannot open postgres://ann:***@h/db: ";
        assert!(told(&outcome)["error"].as_str().unwrap().starts_with(begin), "{outcome}");
    }
    let outcome = place.run("append --expected 1 --json postgres://ann:secret@h/db T");
    assert_eq!(told(&outcome)["stream"].as_str(), Some("postgres://ann:***@h/db"), "{outcome}");
}

#[test]
fn what_only_looks_like_a_password_is_shown() {
    let place = Place::new();
    for (arguments, shown) in [
        ("import exports/passenger=7/events.jsonl", "cannot open exports/passenger=7/events.jsonl: "),
        ("import --json größe=5", "cannot open größe=5: "),
        ("--store wal:data/passenger=7 stats", "wal:data/passenger=7"),
        ("--store=wal:data/passenger=7 stats", "wal:data/passenger=7"),
        ("--store wal:passenger=7 stats", "wal:passenger=7"),
    ] {
        let outcome = place.run(arguments);
        assert!(outcome.code == Some(2) && outcome.stderr.contains(shown), "{arguments}: {outcome}");
    }
    let outcome = place.run_with("import", "my passenger=7.jsonl");
    assert!(outcome.stderr.starts_with("error: cannot open my passenger=7.jsonl: "), "{outcome}");
    let outcome = place.run("append boarding-pass=7A T --expected 3 --json");
    assert!(outcome.stderr.contains(r#""stream":"boarding-pass=7A""#), "{outcome}");
}

/// Nobody can tell it from a URL without its scheme.
#[test]
fn a_name_that_may_be_a_user_with_a_password_is_hidden_in_messages_alone() {
    const NAME: &str = "customer:ann@shop.org";
    let place = Place::new();
    place.import(r#"{"stream":"customer:ann@shop.org","type":"T","data":1}"#);
    assert!(place.succeed(&format!("inspect {NAME}")).contains(NAME));
    let outcome = place.run(&format!("append --expected 9 --json {NAME} T"));
    let told: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
    assert!(told["error"].as_str().unwrap().contains("`customer:***@shop.org`"), "{outcome}");
    assert_eq!((outcome.code, told["stream"].as_str()), (Some(3), Some(NAME)), "{outcome}");
}
