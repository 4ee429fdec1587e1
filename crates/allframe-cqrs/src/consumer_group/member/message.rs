use std::{collections::BTreeMap, sync::Arc};

use eventstore_api::GlobalPosition;
use tokio::sync::oneshot;

use crate::consumer_group::GroupError;

/// What a member's task is told.
pub(in crate::consumer_group) enum Message {
    Settled(Receipt, Verdict),
    /// How many deliveries are out, of each partition that is held.
    Status(oneshot::Sender<BTreeMap<u32, usize>>),
    Close(oneshot::Sender<Result<(), GroupError>>),
}

/// Which delivery a verdict is about.
pub(in crate::consumer_group) struct Receipt {
    pub(in crate::consumer_group) partition: u32,
    /// Which tenure of the partition: a verdict that comes after it was lost and won again is about another delivery.
    pub(in crate::consumer_group) tenure: u64,
    pub(in crate::consumer_group) key: Arc<str>,
    pub(in crate::consumer_group) position: GlobalPosition,
}

pub(in crate::consumer_group) enum Verdict {
    Done,
    Failed(String),
}
