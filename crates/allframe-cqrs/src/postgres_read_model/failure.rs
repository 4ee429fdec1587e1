//! Whose fault it is.

use std::{error::Error as StdError, iter};

use tokio_postgres::error::SqlState;

use crate::{ApplyError, OutsideError};

/// Of an error of the client, or one that has such an error as a source.
pub(super) fn told_apart(error: ApplyError) -> OutsideError {
    let first: &(dyn StdError + 'static) = &*error;
    let mut causes = iter::successors(Some(first), |cause| (*cause).source());
    match causes.find_map(|cause| cause.downcast_ref()) {
        Some(of_client) if is_outage(of_client) => OutsideError::Unavailable(error),
        _ => OutsideError::Refused(error),
    }
}

fn is_outage(error: &tokio_postgres::Error) -> bool {
    let Some(state) = error.code() else {
        // Not from the server: what lies between, unless a value could not be converted.
        let is_io = error.source().is_some_and(<dyn StdError>::is::<std::io::Error>);
        return error.is_closed() || is_io;
    };
    // A statement that takes too long may do so because of its event.
    let code = state.code();
    let is_of_server = ["08", "53", "57P", "58"].iter().any(|class| code.starts_with(class));
    let is_of_neighbours = [
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::LOCK_NOT_AVAILABLE,
        // After a failover, on what is a replica now.
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ]
    .contains(state);
    is_of_server || is_of_neighbours
}
