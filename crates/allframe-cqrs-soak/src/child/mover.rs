//! Money is moved: sagas are begun, and drive themselves.

use std::collections::VecDeque;

use allframe_cqrs::saga::{SagaId, SagaOrchestrator};

use super::{PATIENCE, every};
use crate::{
    arguments::Live,
    bank::ACCOUNTS,
    said::{Said, say},
    store::Store,
    transfer::{TRANSFER, Transfer},
};

/// So many are under way before the first of them is waited for.
const UNDER_WAY: usize = 32;

/// The store is held, as long as there is somebody who drives sagas on it.
pub(super) async fn move_money(_store: Store, sagas: SagaOrchestrator, life: Live) -> anyhow::Result<()> {
    let mut chance = fastrand::Rng::with_seed(life.seed ^ u64::from(life.life) << 32);
    let mut begun: VecDeque<SagaId> = VecDeque::new();
    let mut pace = every(40);
    for number in 0.. {
        pace.tick().await;
        let id = format!("{}-{number}", life.life);
        let transfer = Transfer {
            from: chance.u64(0..ACCOUNTS),
            to: chance.u64(0..ACCOUNTS),
            amount: chance.u64(1..2000),
            fate: chance.u64(..),
        };
        begun.push_back(sagas.start(TRANSFER, &id, &transfer).await?);
        say(&Said::Begun(id))?;
        if begun.len() > UNDER_WAY
            && let Some(first) = begun.pop_front()
        {
            tokio::time::timeout(PATIENCE, sagas.wait_for_end(&first)).await??;
        }
    }
    Ok(())
}
