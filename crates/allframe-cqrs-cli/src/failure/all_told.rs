use std::error::Error;

use eventstore_api::message_with_causes;

use super::Failure;
use crate::notes::note;

/// Ends with the last of these, where there are some. A command ends with one failure, so the others are told before, as notes.
pub(crate) fn all_told<E: Error + Into<Failure>>(mut failures: Vec<E>) -> Result<(), Failure> {
    let last = failures.pop();
    for failure in &failures {
        note(&message_with_causes(failure));
    }
    last.map_or(Ok(()), |failure| Err(failure.into()))
}

#[cfg(test)]
mod tests {
    use eventstore_api::StoreError;

    use super::*;
    use crate::notes::heard;

    #[test]
    fn the_last_is_the_failure_and_the_others_are_notes() {
        heard::take();
        assert!(all_told(Vec::<StoreError>::new()).is_ok() && heard::take().is_empty());
        let failures = ["one", "two", "three"].map(StoreError::storage);
        let failure = all_told(Vec::from(failures)).unwrap_err();
        assert_eq!(message_with_causes(&failure), "the storage failed: three");
        assert_eq!(heard::take(), ["note: the storage failed: one", "note: the storage failed: two"]);
    }
}
