use allframe_cqrs::Projection;
use serde::{Deserialize, Serialize};

use crate::AccountEvent;

/// The least that a projection does.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Turnover {
    /// The money that came in or went out, in cents.
    pub total: u64,
}

impl Projection for Turnover {
    type Event = AccountEvent;

    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { .. } => {}
            AccountEvent::Deposited { amount, .. } | AccountEvent::Withdrawn { amount, .. } => {
                self.total += amount;
            }
        }
    }
}
