//! A database in memory, whose transactions go wrong where a test says so.

use std::sync::{Arc, Mutex, MutexGuard};

use allframe_cqrs::{
    GlobalPosition, OutsideBatch, OutsideError, OutsideProjection, OutsideRegistration, ParkedEvent,
    async_trait,
};

use crate::ledger::Deposited;

/// What becomes of the next transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Weather {
    #[default]
    Fair,
    /// Nothing answers.
    Down,
    /// Those that write are committed, and their answers are lost.
    LosesAnswers,
}

#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) position: GlobalPosition,
    /// Of every event that was taken in, ever.
    pub(crate) rows: Vec<(GlobalPosition, i64)>,
    pub(crate) parked: Vec<ParkedEvent>,
    pub(crate) weather: Weather,
    /// An amount that the table has no place for.
    pub(crate) refuses: Option<i64>,
    /// An amount at which the code panics.
    pub(crate) panics: Option<i64>,
    /// The transactions that were tried, by how many events were in each.
    pub(crate) transactions: Vec<usize>,
    /// Whether it forgets to compare the position, as one that nobody else writes to may.
    pub(crate) compares_nothing: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Database(Arc<Mutex<Content>>);

impl Database {
    pub(crate) fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn registration(&self) -> OutsideRegistration<Self> {
        OutsideRegistration::new("deposits", 1, self.clone())
    }

    pub(crate) fn amounts(&self) -> Vec<i64> {
        self.content().rows.iter().map(|(_, amount)| *amount).collect()
    }
}

impl Content {
    fn compare(&self, after: GlobalPosition) -> Result<(), OutsideError> {
        match () {
            () if self.weather == Weather::Down => Err(OutsideError::unavailable("the cable is out")),
            () if self.position != after && !self.compares_nothing => Err(OutsideError::Moved),
            () => Ok(()),
        }
    }

    fn answer(&self) -> Result<(), OutsideError> {
        match self.weather {
            Weather::LosesAnswers => Err(OutsideError::unavailable("the answer is lost")),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl OutsideProjection for Database {
    type Event = Deposited;

    async fn position(&mut self) -> Result<GlobalPosition, OutsideError> {
        let content = self.content();
        match content.weather {
            Weather::Down => Err(OutsideError::unavailable("the cable is out")),
            _ => Ok(content.position),
        }
    }

    async fn count_parked(&mut self) -> Result<usize, OutsideError> {
        Ok(self.content().parked.len())
    }

    async fn apply(&mut self, batch: OutsideBatch<'_, Deposited>) -> Result<(), OutsideError> {
        // Others come in between, as they do with a real one.
        tokio::task::yield_now().await;
        let mut content = self.content();
        content.transactions.push(batch.events.len());
        content.compare(batch.after)?;
        let mut rows = Vec::new();
        for event in batch.events {
            let amount = event.event.amount;
            assert!(content.panics != Some(amount), "no such amount");
            if content.refuses == Some(amount) {
                return Err(OutsideError::refused(format!("no room for {amount}")));
            }
            rows.push((event.position(), amount));
        }
        content.rows.extend(rows);
        content.position = batch.through;
        content.answer()
    }

    async fn park(&mut self, after: GlobalPosition, event: &ParkedEvent) -> Result<(), OutsideError> {
        let mut content = self.content();
        content.compare(after)?;
        content.parked.push(event.clone());
        content.position = event.position;
        content.answer()
    }
}
