use crate::ApplyError;

/// Why a read model outside did not do what was asked. Nothing has changed in it then, or it cannot be known.
///
/// Which of them it is decides what becomes of the projection: the [policy](crate::FaultPolicy) is for events, and an outage is
/// nobody's fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutsideError {
    /// The read model does not stand where the batch begins, since another process has moved it. Where it stands is asked, and the
    /// projection goes on from there.
    #[error("the read model stands somewhere else by now")]
    Moved,
    /// An event cannot be taken in, and all was rolled back: the policy says what becomes of it.
    #[error("the read model refused it")]
    Refused(#[source] ApplyError),
    /// The database does not answer, or it is not known whether it has done what was asked. It is asked again for ever, at
    /// growing intervals, and no event is skipped or parked for it.
    #[error("the database of the read model does not answer")]
    Unavailable(#[source] ApplyError),
}

impl OutsideError {
    /// An event cannot be taken in, for this reason.
    pub fn refused(why: impl Into<ApplyError>) -> Self {
        Self::Refused(why.into())
    }

    /// The database does not answer, for this reason.
    pub fn unavailable(why: impl Into<ApplyError>) -> Self {
        Self::Unavailable(why.into())
    }
}
