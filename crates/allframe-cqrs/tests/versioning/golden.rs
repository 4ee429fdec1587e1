//! Golden samples: an event of every released version, in a file, and the proof that all still read.

use std::{fs, path::Path};

use allframe_cqrs::{
    UpcastContext, VersionRegistry,
    api::{Encoding, EventType, Metadata, NewEvent},
    event,
    versioning::testing::{GoldenError, GoldenProblem, GoldenReport, GoldenSamples, Reader, UpdateSamples},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;

mod v1 {
    use super::*;

    #[event]
    #[derive(Clone, Serialize, Deserialize)]
    pub(super) enum AccountEvent {
        Opened { owner: String },
        Closed,
    }
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum AccountEvent {
    #[event(version = 2)]
    Opened {
        owner: String,
        #[added(version = 2, default = "EUR")]
        currency: String,
    },
    Closed,
}

fn opened(owner: &str) -> AccountEvent {
    AccountEvent::Opened { owner: owner.into(), currency: "EUR".into() }
}

/// What the release of version 1 kept.
fn released() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    GoldenSamples::in_folder(folder.path())
        .updating(UpdateSamples::Write)
        .sample("ann", v1::AccountEvent::Opened { owner: "ann".into() })
        .sample("end", v1::AccountEvent::Closed)
        .assert();
    folder
}

fn samples(folder: &Path, update: UpdateSamples) -> GoldenSamples<AccountEvent> {
    GoldenSamples::in_folder(folder)
        .updating(update)
        .sample("ann", opened("ann"))
        .sample("end", AccountEvent::Closed)
}

fn files(folder: &Path) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    files
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// The one problem that there is, without the folder, whose name is another each time.
fn problem(folder: &Path, answer: Result<GoldenReport, GoldenError>) -> String {
    let problems = answer.unwrap_err().problems;
    let texts: Vec<_> = problems.iter().map(GoldenProblem::to_string).collect();
    texts.join("\n").replace(&format!("{}/", folder.display()), "")
}

#[test]
fn files_are_written_once_and_read_from_then_on() {
    let folder = released();
    let report = samples(folder.path(), UpdateSamples::Accept).check().unwrap();
    let written: Vec<_> =
        report.written.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!((report.read, written), (3, vec!["Opened.v1.ann.sample", "Opened.v2.ann.sample"]));
    assert_eq!(
        files(folder.path()),
        ["Closed.v1.end.sample", "Opened.v1.ann.sample", "Opened.v2.ann.sample"]
    );

    let report = samples(folder.path(), UpdateSamples::Check).check().unwrap();
    assert_eq!((report.read, report.written), (3, vec![]));
}

#[test]
fn a_file_says_how_an_event_was_stored_and_as_what_it_is_read() {
    let folder = released();
    insta::assert_snapshot!(fs::read_to_string(folder.path().join("Opened.v1.ann.sample")).unwrap(), @r##"
    event_type: Opened
    schema_version: 1
    encoding: json
    stream: sample
    checksum: 0d917b227f5263d5
    --- stored
    {"owner":"ann"}
    --- read as
    Opened 1 {"owner":"ann"}
    "##);
}

#[test]
fn a_later_release_is_told_what_its_files_read_as_now() {
    let folder = released();
    let answer = samples(folder.path(), UpdateSamples::Write).check();
    insta::assert_snapshot!(problem(folder.path(), answer), @r##"Opened.v1.ann.sample did read as `Opened 1 {"owner":"ann"}`, and now reads as `Opened 2 {"owner":"ann","currency":"EUR"}`; where that is meant, run the test with EVENT_SAMPLES=accept"##);
    // It was a field more, and meant.
    samples(folder.path(), UpdateSamples::Accept).assert();
    samples(folder.path(), UpdateSamples::Check).assert();
    let v1 = fs::read_to_string(folder.path().join("Opened.v1.ann.sample")).unwrap();
    assert!(
        v1.contains(r#"{"owner":"ann"}"#) && v1.contains(r#"Opened 2 {"owner":"ann","currency":"EUR"}"#),
        "{v1}"
    );
}

#[test]
fn where_nothing_is_to_be_written_a_missing_file_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let answer = GoldenSamples::in_folder(folder.path())
        .updating(UpdateSamples::Check)
        .sample("end", v1::AccountEvent::Closed)
        .sample("ann", v1::AccountEvent::Opened { owner: "ann".into() })
        .check();
    insta::assert_snapshot!(problem(folder.path(), answer), @r##"
    Closed.v1.end.sample is missing; run the test where files are written, with EVENT_SAMPLES=write, and commit it
    Opened.v1.ann.sample is missing; run the test where files are written, with EVENT_SAMPLES=write, and commit it
    "##);
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn every_kind_and_every_version_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let answer = GoldenSamples::in_folder(folder.path())
        .updating(UpdateSamples::Write)
        .sample("ann", opened("ann"))
        .check();
    insta::assert_snapshot!(problem(folder.path(), answer), @r##"
    there is no sample of `Closed` version 1; give one to the test, of today's form with `sample`, of an earlier one with `earlier` or `earlier_json`
    there is no sample of `Opened` version 1; give one to the test, of today's form with `sample`, of an earlier one with `earlier` or `earlier_json`
    "##);
}

#[test]
fn versions_from_before_there_were_samples_are_given_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let samples = samples(folder.path(), UpdateSamples::Write)
        .earlier("from its type", v1::AccountEvent::Opened { owner: "bob".into() })
        .earlier_json("from JSON", ("Opened", 1), json!({ "owner": "bob" }))
        .earlier_stored(
            "as it was",
            NewEvent::new(EventType::new("Opened").unwrap(), r#"{"owner":"bob"}"#)
                .with_encoding(Encoding::JSON)
                .with_metadata(Metadata::new().with("user", "ann")),
        );
    assert_eq!(samples.check().unwrap().read, 5);
    assert!(files(folder.path()).contains(&"Opened.v1.from%20its%20type.sample".to_owned()));
}

#[test]
fn a_released_sample_that_was_edited_is_told() {
    let folder = released();
    let file = folder.path().join("Opened.v1.ann.sample");
    edit(&file, r#"{"owner":"ann"}"#, r#"{"owner":"eve"}"#);
    for update in [UpdateSamples::Check, UpdateSamples::Write, UpdateSamples::Accept] {
        let before = fs::read_to_string(&file).unwrap();
        let problems = samples(folder.path(), update).check().unwrap_err().problems;
        assert!(matches!(&problems[0], GoldenProblem::Changed { file: changed, .. } if *changed == file));
        assert_eq!(fs::read_to_string(&file).unwrap(), before);
    }
}

#[test]
fn a_file_that_was_damaged_is_never_written_over_by_the_sample_that_it_was() {
    let folder = released();
    let file = folder.path().join("Closed.v1.end.sample");
    fs::write(&file, "half a fi").unwrap();
    for update in [UpdateSamples::Write, UpdateSamples::Accept, UpdateSamples::Check] {
        let problems = samples(folder.path(), update).check().unwrap_err().problems;
        assert!(matches!(&problems[0], GoldenProblem::Changed { file: changed, .. } if *changed == file));
        let is_missing = |problem: &GoldenProblem| matches!(problem, GoldenProblem::Missing { file: missing } if *missing == file);
        assert!(!problems.iter().any(is_missing), "{problems:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "half a fi");
    }
}

#[test]
fn a_released_sample_that_was_deleted_is_told() {
    let folder = released();
    fs::remove_file(folder.path().join("Opened.v1.ann.sample")).unwrap();
    let answer = samples(folder.path(), UpdateSamples::Write).check();
    insta::assert_snapshot!(problem(folder.path(), answer), @r##"there is no sample of `Opened` version 1; give one to the test, of today's form with `sample`, of an earlier one with `earlier` or `earlier_json`"##);
}

#[test]
fn a_raised_version_is_no_difference_whatever_the_event_is_called() {
    #[event(rename = "Account opened 1 {}")]
    #[derive(Clone, Serialize, Deserialize)]
    struct Opened {
        owner: String,
    }
    #[event(rename = "Account opened 1 {}", version = 2, unchanged(2))]
    #[derive(Clone, Serialize, Deserialize)]
    struct Later {
        owner: String,
    }
    let folder = tempfile::tempdir().unwrap();
    let release = GoldenSamples::in_folder(folder.path()).updating(UpdateSamples::Write);
    release.sample("ann", Opened { owner: "ann".into() }).assert();
    let later = GoldenSamples::in_folder(folder.path()).updating(UpdateSamples::Write);
    later.sample("ann", Later { owner: "ann".into() }).assert();
}

#[test]
fn what_is_written_differently_takes_a_new_version() {
    /// As version 1, with a field renamed and the old name forgotten.
    #[event]
    #[derive(Clone, Serialize, Deserialize)]
    enum AccountEvent {
        Opened {
            #[serde(alias = "owner")]
            holder: String,
        },
        Closed,
    }
    let folder = released();
    let samples = |update| {
        GoldenSamples::in_folder(folder.path())
            .updating(update)
            .sample("ann", AccountEvent::Opened { holder: "ann".into() })
            .sample("end", AccountEvent::Closed)
    };
    insta::assert_snapshot!(problem(folder.path(), samples(UpdateSamples::Write).check()), @r##"
    Opened.v1.ann.sample did read as `Opened 1 {"owner":"ann"}`, and now reads as `Opened 1 {"holder":"ann"}`; where that is meant, run the test with EVENT_SAMPLES=accept
    Opened.v1.ann.sample holds `{"owner":"ann"}`, and the same version would now be stored as `{"holder":"ann"}`; raise the version of the event and say what has changed, or, where only the sample is another, give it another name; EVENT_SAMPLES=accept keeps both forms
    "##);
    // Those who mean it keep both forms, and both are read from then on.
    samples(UpdateSamples::Accept).assert();
    samples(UpdateSamples::Check).assert();
    assert_eq!(
        files(folder.path()),
        ["Closed.v1.end.sample", "Opened.v1.ann+2.sample", "Opened.v1.ann.sample"]
    );
}

#[test]
fn what_can_no_longer_be_read_is_told() {
    #[event]
    #[derive(Clone, Serialize, Deserialize)]
    enum AccountEvent {
        Opened { owner: String, currency: String },
        Closed,
    }
    let folder = released();
    let answer = GoldenSamples::in_folder(folder.path())
        .updating(UpdateSamples::Accept)
        .sample("bob", AccountEvent::Opened { owner: "bob".into(), currency: "EUR".into() })
        .sample("end", AccountEvent::Closed)
        .check();
    insta::assert_snapshot!(problem(folder.path(), answer), @r##"Opened.v1.ann.sample can no longer be read: event 1 of stream `sample` (position 1), stored as `Opened` schema version 1 in json, cannot be read as `versioning::golden::what_can_no_longer_be_read_is_told::AccountEvent`: the payload does not fit the type: missing field `currency` at line 1 column 15"##);
}

#[test]
fn upcasters_of_a_registry_are_proved_too() {
    #[event]
    #[derive(Clone, Serialize, Deserialize)]
    struct Transferred {
        to: String,
    }
    #[event]
    #[derive(Clone, Serialize, Deserialize)]
    enum Moved {
        Withdrawn { by: String },
        Sent { to: String },
    }
    let versions = VersionRegistry::<Moved>::new().upcast(|old: Transferred, context: &UpcastContext<'_>| {
        let by = context.stream().as_str().to_owned();
        vec![Moved::Withdrawn { by }, Moved::Sent { to: old.to }]
    });
    let folder = tempfile::tempdir().unwrap();
    let samples = |versions: VersionRegistry<Moved>| {
        GoldenSamples::in_folder(folder.path())
            .with_reader(Reader::with_versions(versions).unwrap())
            .updating(UpdateSamples::Write)
            .sample("withdrawn", Moved::Withdrawn { by: "ann".into() })
            .sample("sent", Moved::Sent { to: "bob".into() })
    };
    let answer = samples(versions.clone()).check();
    insta::assert_snapshot!(problem(folder.path(), answer), @r##"there is no sample of `Transferred` version 1; give one to the test, of today's form with `sample`, of an earlier one with `earlier` or `earlier_json`"##);

    samples(versions.clone())
        .in_stream("account-7")
        .earlier("to bob", Transferred { to: "bob".into() })
        .assert();
    let text = fs::read_to_string(folder.path().join("Transferred.v1.to%20bob.sample")).unwrap();
    insta::assert_snapshot!(text, @r##"
    event_type: Transferred
    schema_version: 1
    encoding: json
    stream: account-7
    checksum: 8d5910410ec56ea5
    --- stored
    {"to":"bob"}
    --- read as
    Withdrawn 1 {"by":"account-7"}
    Sent 1 {"to":"bob"}
    "##);
    // An upcaster that does something else is told.
    let other = VersionRegistry::<Moved>::new().upcast(|old: Transferred, _: &_| Moved::Sent { to: old.to });
    let answer = samples(other).check();
    insta::assert_snapshot!(problem(folder.path(), answer), @r##"Transferred.v1.to%20bob.sample did read as `Withdrawn 1 {"by":"account-7"}` and `Sent 1 {"to":"bob"}`, and now reads as `Sent 1 {"to":"bob"}`; where that is meant, run the test with EVENT_SAMPLES=accept"##);
}

#[test]
fn events_without_text_are_kept_in_hexadecimal() {
    let folder = tempfile::tempdir().unwrap();
    let encoding = Encoding::new(200);
    let stored = NewEvent::new(EventType::new("Opened").unwrap(), vec![0, 255]).with_encoding(encoding);
    let samples = samples(folder.path(), UpdateSamples::Write).earlier_stored("odd", stored);
    let problems = samples.check().unwrap_err().problems;
    // Nothing reads that encoding, and so it is no sample.
    assert!(matches!(&problems[..], [GoldenProblem::Unreadable { .. }]), "{problems:?}");
    #[cfg(feature = "bincode")]
    {
        let folder = tempfile::tempdir().unwrap();
        let reader = || Reader::new().with_codec(allframe_cqrs::PayloadCodec::Bincode);
        let samples = |update| {
            GoldenSamples::in_folder(folder.path())
                .with_reader(reader())
                .updating(update)
                .sample("ann", opened("ann"))
                .sample("end", AccountEvent::Closed)
                .earlier("v1", v1::AccountEvent::Opened { owner: "ann".into() })
        };
        samples(UpdateSamples::Write).assert();
        samples(UpdateSamples::Check).assert();
        let text = fs::read_to_string(folder.path().join("Opened.v1.v1.sample")).unwrap();
        assert!(text.contains("hex:") && text.contains("Opened 2 {"), "{text}");
    }
}

#[test]
fn two_samples_cannot_have_one_name() {
    let folder = released();
    let twice = samples(folder.path(), UpdateSamples::Accept).sample("ann", opened("bob"));
    let problems = twice.check().unwrap_err().problems;
    assert!(matches!(&problems[..], [GoldenProblem::NamedTwice { .. }]), "{problems:?}");
}

#[test]
#[should_panic(expected = "Opened.v2.ann.sample is missing")]
fn an_assertion_fails_with_what_is_wrong() {
    let folder = released();
    samples(folder.path(), UpdateSamples::Check).assert();
}
