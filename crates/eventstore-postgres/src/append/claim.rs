use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering::SeqCst},
};

/// Whether a job goes to the server, or its caller has given it up: one of them, whoever is first.
#[derive(Clone, Debug, Default)]
pub(super) struct Claim(Arc<AtomicU8>);

const OPEN: u8 = 0;
const TAKEN: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Claim {
    /// The job is about to be sent. False when nobody wants it any more.
    pub(super) fn take(&self) -> bool {
        self.settle(TAKEN)
    }

    /// Nobody waits for it any more. False when it may have been sent.
    pub(super) fn give_up(&self) -> bool {
        self.settle(GIVEN_UP)
    }

    fn settle(&self, how: u8) -> bool {
        self.0.compare_exchange(OPEN, how, SeqCst, SeqCst).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_sent_or_given_up_and_never_both() {
        let (sent, given_up) = (Claim::default(), Claim::default());
        assert!(sent.take() && !sent.give_up());
        assert!(given_up.give_up() && !given_up.take());
    }
}
