//! What to do about a failure, where its message does not say it.

use std::{borrow::Cow, io};

use eventstore_api::{InvalidInput, StoreError};

use super::{Failure, is_damage, of_the_system};

/// What has failed does not always know of which store it is.
const DAMAGED: &str = "`verify` says where the store is damaged; of one in a directory `export --salvage` saves what is whole, and \
                       a database is repaired or restored with the means of its server";

/// What to do where an import has not come to its end.
pub(crate) const IMPORT_AGAIN: &str =
    "import the file again: lines with an id are not stored twice, and those without one would be";

impl Failure {
    pub(super) fn hint(&self) -> Option<Cow<'static, str>> {
        if let Self::CutImport(failure) = self {
            return Some(match failure.hint() {
                Some(hint) => format!("{hint}; then {IMPORT_AGAIN}").into(),
                None => IMPORT_AGAIN.into(),
            });
        }
        if let Self::Append { id, .. } | Self::NotClosed { id, .. } | Self::NotTold { id, .. } = self {
            let again = format!("append it again with --id {id}: it is stored once, and the answer is where");
            return Some(again.into());
        }
        if let Self::BadLine { .. } = self {
            return Some(format!("correct it and {IMPORT_AGAIN}").into());
        }
        self.words_of_a_hint().map(Cow::Borrowed)
    }

    fn words_of_a_hint(&self) -> Option<&'static str> {
        match self {
            Self::Open { hint: hint @ Some(_), .. } | Self::NotChecked { hint, .. } => *hint,
            Self::Interrupted { hint, .. } => Some(*hint),
            Self::NoSuchStream(_) => {
                Some("`streams` lists those that there are, `streams --prefix` a part of them")
            }
            Self::Open { source, .. } if is_damage(&**source) => Some(DAMAGED),
            Self::Open { source, .. } => {
                source.downcast_ref::<io::Error>().and_then(|error| about_a_file(error.kind()))
            }
            Self::Read { source, .. } | Self::Write { source, .. } => about_a_file(source.kind()),
            #[cfg(feature = "parquet")]
            Self::BadFile { .. } => Some(
                "copy it from where it came once more, or export it again: events with an id are not stored twice",
            ),
            Self::Store(StoreError::InvalidInput(InvalidInput::EventIdReused { .. })) => Some(
                "an id belongs to one event, and `inspect` shows the stream that has it: leave --id out to append another one, or \
                 say the same of it as before",
            ),
            Self::Unproven { .. } => Some(
                "run `recover` on the store first; where nobody may write to it, `export --salvage` shows all that is whole",
            ),
            Self::LeftBehind { .. } => Some(
                "whoever wrote it has ended meanwhile: run `recover` on the store, and then the same line again",
            ),
            Self::Incomplete { .. } => Some(
                "`verify` says what is missing; where the oldest events were moved out of the store meanwhile, export it again",
            ),
            #[cfg(feature = "schemas")]
            Self::NoSchema(_) => Some("`schemas list` names those that are"),
            #[cfg(feature = "schemas")]
            Self::Schemas(allframe_cqrs::schema::SchemaError::NotRegistered { .. }) => {
                Some("`schemas list` names those that are, and their versions")
            }
            #[cfg(feature = "toolkit")]
            Self::NoneReadable(_) => Some(
                "the notes name their streams, and `inspect` shows the events there as they are stored; where a newer version of \
                 the toolkit has written them, take the tool of that version",
            ),
            #[cfg(feature = "toolkit")]
            Self::Sagas(allframe_cqrs::saga::SagaError::NotFound { .. }) => {
                Some("`sagas` lists those that there are")
            }
            #[cfg(feature = "toolkit")]
            Self::Sagas(allframe_cqrs::saga::SagaError::Unreadable { .. }) => Some(
                "`inspect` shows the events of that stream as they are stored; where a newer version of the toolkit has written \
                 them, take the tool of that version",
            ),
            #[cfg(feature = "toolkit")]
            Self::Sagas(allframe_cqrs::saga::SagaError::NotNow { .. })
            | Self::DecidedNotClosed { .. }
            | Self::DecidedNotTold { .. } => Some("`sagas show TYPE ID` says where it is"),
            other => match other.of_a_store() {
                Some(StoreError::Corrupted { .. }) => Some(DAMAGED),
                Some(error) if is_full(error) => about_a_file(io::ErrorKind::StorageFull),
                _ => None,
            },
        }
    }
}

/// Whether a store has no room any more.
fn is_full(error: &StoreError) -> bool {
    of_the_system(error).any(|error| error.kind() == io::ErrorKind::StorageFull)
}

/// Where the system does not do something with a file.
fn about_a_file(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::NotFound => Some(
            "see whether the path is right, and its folder there; a relative one begins where the command is run",
        ),
        io::ErrorKind::NotADirectory => Some("a part of the path is a file, where a folder should be"),
        io::ErrorKind::IsADirectory => Some("it is a folder; name a file in it"),
        io::ErrorKind::PermissionDenied => {
            Some("see who may use it, and its folder (`ls -ld`), or run this as somebody who may")
        }
        io::ErrorKind::FileTooLarge => Some(
            "raise the limit on the size of files (`ulimit -f`), or write to a file system that takes such",
        ),
        io::ErrorKind::StorageFull => Some("make room there, or name a place where there is some"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn of_each_way_in_which_a_file_cannot_be_used_is_said_what_to_do() {
        for (kind, expected) in [
            (io::ErrorKind::NotFound, "see whether the path is right"),
            (io::ErrorKind::NotADirectory, "a part of the path is a file"),
            (io::ErrorKind::IsADirectory, "name a file in it"),
            (io::ErrorKind::PermissionDenied, "see who may use it"),
            (io::ErrorKind::StorageFull, "make room there"),
        ] {
            let what = || "out.jsonl".to_owned();
            for failure in [
                Failure::open(what(), io::Error::from(kind)),
                Failure::Read { what: what(), source: kind.into() },
                Failure::Write { what: what(), source: kind.into() },
            ] {
                let hint = failure.hint().unwrap();
                assert!(hint.contains(expected), "{failure:?}: {hint}");
            }
        }
    }

    #[test]
    fn of_an_import_that_was_cut_is_said_what_to_do_about_the_cause_and_then() {
        let hint = |source: StoreError| Failure::CutImport(Box::new(source.into())).hint().unwrap();
        assert_eq!(hint(StoreError::Closed), IMPORT_AGAIN);
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        for source in [StoreError::storage(full()), StoreError::storage(Arc::new(full()))] {
            let hint = hint(source);
            assert!(hint.starts_with("make room there"), "{hint}");
            assert!(hint.ends_with(&format!("; then {IMPORT_AGAIN}")), "{hint}");
        }
    }

    #[cfg(all(feature = "schemas", feature = "toolkit"))]
    #[test]
    fn what_a_store_has_said_is_found_through_all_that_stands_on_it() {
        use allframe_cqrs::{
            Error, consumer_group::GroupError, process::ProcessError, saga::SagaError, schema::SchemaError,
        };

        let damaged = || StoreError::Corrupted { place: "position 7".to_owned(), detail: "no id".to_owned() };
        let full = || StoreError::storage(io::Error::from(io::ErrorKind::StorageFull));
        for (source, hint) in [(damaged as fn() -> StoreError, DAMAGED), (full, "make room there")] {
            let toolkit = || Error::Store(source());
            for failure in [
                Failure::Toolkit(toolkit()),
                Failure::Sagas(SagaError::Store(toolkit())),
                Failure::Groups(GroupError::Store(toolkit())),
                Failure::Processes(ProcessError::Store(toolkit())),
                Failure::Processes(ProcessError::Group(GroupError::Store(toolkit()))),
                Failure::Processes(ProcessError::Saga(SagaError::Store(toolkit()))),
                Failure::Schemas(SchemaError::Store(source())),
            ] {
                assert!(failure.hint().is_some_and(|found| found.starts_with(hint)), "{failure:?}");
            }
        }
    }

    #[test]
    fn of_a_damaged_store_that_may_be_a_database_is_not_only_said_what_is_for_a_directory() {
        let damaged = || StoreError::Corrupted { place: "position 7".to_owned(), detail: "no id".to_owned() };
        for failure in [Failure::Store(damaged()), Failure::open("postgresql://h/db#s", damaged())] {
            let hint = failure.hint().unwrap();
            assert!(hint.contains("of one in a directory `export --salvage`"), "{hint}");
            assert!(hint.contains("a database is repaired or restored"), "{hint}");
        }
    }

    /// Its location has its own words, where there are any.
    #[test]
    fn a_store_that_could_not_be_opened_is_no_file() {
        let failure =
            Failure::open("wal:data", StoreError::storage(io::Error::from(io::ErrorKind::NotFound)));
        assert_eq!(failure.hint(), None);
    }
}
