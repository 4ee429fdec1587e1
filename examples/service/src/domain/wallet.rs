//! What people have paid in, and what is left of it.

use allframe_cqrs::{Aggregate, command, command_handler};
use serde::{Deserialize, Serialize};

use super::{
    Refused,
    StudioEvent::{self, WalletCharged, WalletRefunded, WalletToppedUp},
};

/// A wallet, as its events make it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wallet {
    credit: u64,
}

impl Aggregate for Wallet {
    type Event = StudioEvent;

    fn apply_event(&mut self, event: &StudioEvent) {
        match event {
            WalletToppedUp { amount, .. } | WalletRefunded { amount, .. } => self.credit += amount,
            WalletCharged { amount, .. } => self.credit = self.credit.saturating_sub(*amount),
            _ => {}
        }
    }
}

/// Pays something in.
#[command(json, stream = "wallet-{customer}")]
#[derive(Serialize, Deserialize)]
pub(crate) struct TopUpWallet {
    #[validate(length(min = 1, max = 64))]
    pub(crate) customer: String,
    #[validate(range(min = 1, max = 1_000_000))]
    pub(crate) amount: u64,
}

#[command_handler]
fn top_up_wallet(command: &TopUpWallet, _wallet: &Wallet) -> Vec<StudioEvent> {
    vec![WalletToppedUp { customer: command.customer.clone(), amount: command.amount }]
}

/// Takes the price of a booking.
#[command(
    stream = "wallet-{customer}",
    inverse = RefundWallet { customer, booking, amount: *amount }
)]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ChargeWallet {
    pub(crate) customer: String,
    pub(crate) booking: String,
    pub(crate) amount: u64,
}

#[command_handler]
fn charge_wallet(command: &ChargeWallet, wallet: &Wallet) -> Result<Vec<StudioEvent>, Refused> {
    let ChargeWallet { customer, booking, amount } = command.clone();
    match amount.checked_sub(wallet.credit) {
        None | Some(0) => Ok(vec![WalletCharged { customer, booking, amount }]),
        Some(missing) => Err(Refused::NotEnoughCredit { customer, missing }),
    }
}

/// Gives it back.
#[command(stream = "wallet-{customer}")]
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RefundWallet {
    pub(crate) customer: String,
    pub(crate) booking: String,
    pub(crate) amount: u64,
}

#[command_handler]
fn refund_wallet(command: &RefundWallet, _wallet: &Wallet) -> Vec<StudioEvent> {
    let RefundWallet { customer, booking, amount } = command.clone();
    vec![WalletRefunded { customer, booking, amount }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_is_emptied_and_not_overdrawn() {
        let mut wallet = Wallet::default();
        wallet.apply_event(&WalletToppedUp { customer: "ann".into(), amount: 500 });
        let charge = |amount| ChargeWallet { customer: "ann".into(), booking: "ann-1".into(), amount };
        assert!(charge_wallet(&charge(500), &wallet).is_ok());
        let overdrawn = charge_wallet(&charge(501), &wallet);
        assert_eq!(overdrawn, Err(Refused::NotEnoughCredit { customer: "ann".into(), missing: 1 }));
    }
}
