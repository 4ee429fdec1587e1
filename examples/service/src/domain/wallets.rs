//! What is in each wallet: a read model.

use std::collections::BTreeMap;

use allframe_cqrs::{Projection, ProjectionError, ProjectionHandle, projection, query, query_handler};
use serde::{Deserialize, Serialize};

use super::StudioEvent;

#[projection(name = "wallets", version = 1)]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Wallets {
    credit: BTreeMap<String, u64>,
}

impl Projection for Wallets {
    type Event = StudioEvent;

    fn apply(&mut self, event: &StudioEvent) {
        match event {
            StudioEvent::WalletToppedUp { customer, amount }
            | StudioEvent::WalletRefunded { customer, amount, .. } => {
                *self.credit.entry(customer.clone()).or_default() += amount;
            }
            StudioEvent::WalletCharged { customer, amount, .. } => {
                let credit = self.credit.entry(customer.clone()).or_default();
                *credit = credit.saturating_sub(*amount);
            }
            _ => {}
        }
    }
}

/// How much has this customer left? Answered in cents.
#[query]
pub(crate) struct CreditOf {
    pub(crate) customer: String,
}

#[query_handler]
async fn credit_of(
    query: CreditOf,
    wallets: ProjectionHandle<Wallets>,
) -> Result<Option<u64>, ProjectionError> {
    Ok(wallets.read().await?.credit.get(&query.customer).copied())
}
