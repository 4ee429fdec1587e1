//! Looking into what a backend refused, with messages that say what came instead.

use std::fmt::Debug;

use eventstore_api::{ExpectedVersion, GlobalPosition, InvalidInput, Result, StoreError, StreamId, Version};

pub(crate) fn wrong_version<T: Debug>(law: &str, outcome: Result<T>) -> (StreamId, ExpectedVersion, Version) {
    match outcome {
        Err(StoreError::WrongExpectedVersion { stream, expected, actual }) => (stream, expected, actual),
        other => panic!("{law}: WrongExpectedVersion should have come, and {other:?} came"),
    }
}

pub(crate) fn condition_failed<T: Debug>(law: &str, outcome: Result<T>) -> GlobalPosition {
    match outcome {
        Err(StoreError::ConditionFailed { at }) => at,
        other => panic!("{law}: ConditionFailed should have come, and {other:?} came"),
    }
}

pub(crate) fn invalid_input<T: Debug>(law: &str, outcome: Result<T>) -> InvalidInput {
    match outcome {
        Err(StoreError::InvalidInput(invalid)) => {
            assert!(!invalid.to_string().is_empty(), "{law}: the error says nothing");
            invalid
        }
        other => panic!("{law}: InvalidInput should have come, and {other:?} came"),
    }
}
