//! Schema files in a repository, against the types of today.

use std::{fs, path::Path};

use allframe_cqrs::{
    AutoUpcaster, VersionRegistry, event,
    schema::{
        CompatibilityMode::{self, *},
        EventSchema, EventSchemas, files,
        testing::{OnNew, SchemaFiles, SchemaFilesError},
    },
};
use insta::assert_snapshot;
use tempfile::TempDir;

use crate::programs::programs;

programs! {
    first { #[event(schema)] pub struct Deposited { pub amount: u64 } }
    with_note { #[event(schema)] pub struct Deposited { pub amount: u64, pub note: Option<String> } }
    with_currency { #[event(schema)] pub struct Deposited { pub amount: u64, pub currency: String } }
    with_note_required { #[event(schema)] pub struct Deposited { pub amount: u64, pub note: Option<String>, #[schemars(required)] pub by: Option<u8> } }
    second {
        #[event(schema, version = 2)]
        pub struct Deposited { pub amount: u64, #[added(version = 2, default = "EUR")] pub currency: String }
    }
}

fn check<E: allframe_cqrs::Event + EventSchemas>(
    folder: &Path,
    mode: CompatibilityMode,
    on_new: OnNew,
) -> Result<Vec<String>, SchemaFilesError> {
    let written = SchemaFiles::<E>::in_folder(folder).with_mode(mode).on_new(on_new).check()?;
    Ok(written.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect())
}

#[test]
fn what_has_no_file_gets_one_and_what_has_one_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let schemas = folder.path().join("schemas");
    let written = check::<second::Deposited>(&schemas, Backward, OnNew::Write).unwrap();
    assert_eq!(written, ["Deposited.v1.json", "Deposited.v2.json"]);
    assert!(check::<second::Deposited>(&schemas, Backward, OnNew::Refuse).unwrap().is_empty());
}

#[test]
fn a_file_is_made_for_people_to_read() {
    let folder = TempDir::new().unwrap();
    check::<first::Deposited>(folder.path(), Backward, OnNew::Write).unwrap();
    assert_snapshot!(fs::read_to_string(folder.path().join("Deposited.v1.json")).unwrap(), @r#"
    {
      "event_type": "Deposited",
      "schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {
          "amount": {
            "format": "uint64",
            "minimum": 0,
            "type": "integer"
          }
        },
        "required": [
          "amount"
        ],
        "title": "Deposited",
        "type": "object"
      },
      "version": 1
    }
    "#);
}

#[test]
fn an_earlier_version_is_read_by_an_upcaster_that_a_store_would_be_given() {
    #[event(schema, version = 2)]
    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    struct Deposited {
        cents: u64,
    }
    impl From<first::Deposited> for Deposited {
        fn from(first: first::Deposited) -> Self {
            Self { cents: first.amount * 100 }
        }
    }
    let folder = TempDir::new().unwrap();
    check::<first::Deposited>(folder.path(), Backward, OnNew::Write).unwrap();
    let files = SchemaFiles::<Deposited>::in_folder(folder.path()).on_new(OnNew::Write);
    assert!(matches!(files.check(), Err(SchemaFilesError::Versioning(_))));
    let upcaster = AutoUpcaster::<first::Deposited, Deposited>::new();
    let files = files.with_versions(VersionRegistry::new().upcaster(upcaster));
    assert_eq!(files.check().unwrap(), [folder.path().join("Deposited.v2.json")]);
}

#[test]
fn in_ci_a_schema_without_a_file_is_an_error_that_names_it() {
    let folder = TempDir::new().unwrap();
    let refused = check::<first::Deposited>(folder.path(), Backward, OnNew::Refuse).unwrap_err();
    let SchemaFilesError::New(files) = refused else { panic!("{refused}") };
    assert_eq!(files, [folder.path().join("Deposited.v1.json")]);
    assert!(!files[0].exists());
}

#[test]
fn a_released_schema_that_changed_is_refused_by_field_and_reason() {
    let folder = TempDir::new().unwrap();
    check::<first::Deposited>(folder.path(), Backward, OnNew::Write).unwrap();
    let refused = check::<with_currency::Deposited>(folder.path(), Backward, OnNew::Write).unwrap_err();
    assert_snapshot!(refused, @r"
    schemas of events do not fit together
    - `Deposited` version 1 has changed, and no longer reads what is stored of it:
      - `/currency` is required to read it, and was never written
      raise the version, `#[event(version = 2)]`, and say what has changed with it: `#[added(version = 2, default = ..)]` on `currency`; or give the registry an upcaster from version 1
    ");
}

/// Events of the form that was released first are still stored, after any number of changes that broke nothing.
#[test]
fn a_change_that_breaks_nothing_leaves_what_was_before_in_the_file() {
    let folder = TempDir::new().unwrap();
    check::<first::Deposited>(folder.path(), BackwardTransitive, OnNew::Write).unwrap();
    let changed = check::<with_note::Deposited>(folder.path(), BackwardTransitive, OnNew::Refuse);
    assert!(matches!(changed, Err(SchemaFilesError::New(_))));
    check::<with_note::Deposited>(folder.path(), BackwardTransitive, OnNew::Write).unwrap();
    let kept = files::read(folder.path()).unwrap();
    let expected: Vec<EventSchema> = [first::Deposited::schemas(), with_note::Deposited::schemas()].concat();
    assert_eq!(kept, expected);
    check::<with_note_required::Deposited>(folder.path(), BackwardTransitive, OnNew::Write).unwrap_err();
}

#[test]
fn a_file_that_holds_something_else_is_named() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("Deposited.v1.json"), "{}").unwrap();
    let refused = check::<first::Deposited>(folder.path(), Backward, OnNew::Write).unwrap_err();
    assert!(refused.to_string().contains("Deposited.v1.json` holds no schema of an event"));
}

#[test]
fn a_name_that_is_no_name_of_a_file_has_one_all_the_same() {
    let path = files::path_of(Path::new("schemas"), &EventSchema::of::<u8>("bank/Übertrag", 3));
    assert_eq!(path, Path::new("schemas/bank%2F%C3%9Cbertrag.v3.json"));
}
