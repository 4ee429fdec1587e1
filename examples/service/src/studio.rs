//! The parts of the toolkit, put together.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use allframe_cqrs::{
    CommandBus, EventStoreBackend, ProjectionRegistry, QueryBus,
    api::message_with_causes,
    middleware::{ConcurrencyLimit, Timeout},
    process::Processes,
    saga::SagaOrchestrator,
};
use anyhow::{Context, Result};

use crate::{
    domain::{
        StudioEvent,
        booking::Booking,
        booking_saga::{BookingSaga, starter},
        bookings::Bookings,
        catalogue::Catalogue,
        wallet::Wallet,
        wallets::Wallets,
        workshop::Workshop,
    },
    outcomes::first_error,
    store::Store,
};

/// How long a command or a query may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many commands are carried out at a time, and how many may wait: the rest is told to come back, before memory runs out.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(256).unwrap();
const WAITING: usize = 1_024;
/// How many aggregates of a kind stay in memory.
const CACHED: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// The studio, open for business.
pub(crate) struct Studio {
    pub(crate) store: Store,
    pub(crate) commands: CommandBus<StudioEvent>,
    pub(crate) queries: QueryBus,
    pub(crate) projections: ProjectionRegistry<StudioEvent, Arc<dyn EventStoreBackend>>,
    processes: Processes,
}

impl Studio {
    /// Has projections, sagas and process managers go on where they were on a store. One on which they cannot is closed.
    pub(crate) async fn on(store: Store) -> Result<Self> {
        let studio = Self::put_together(store.clone()).await;
        if studio.is_err()
            && let Err(error) = store.backend().close().await
        {
            tracing::warn!(error = message_with_causes(&error), "the store was not closed in good order");
        }
        studio
    }

    async fn put_together(store: Store) -> Result<Self> {
        let commands = commands(&store)?;
        // All with `#[projection]`.
        let projections =
            ProjectionRegistry::start(store.clone()).await.context("the projections do not begin")?;
        let sagas = SagaOrchestrator::builder(&store).saga(BookingSaga { bus: commands.clone() });
        let processes = Processes::builder(sagas).process(&store, starter());
        let processes = processes.open().await.context("the sagas do not begin")?;
        let queries = QueryBus::builder()
            .projection(projections.handle::<Catalogue>()?)
            .projection(projections.handle::<Bookings>()?)
            .projection(projections.handle::<Wallets>()?)
            .provide(processes.orchestrator().sagas())
            .layer(Timeout::new(PATIENCE))
            .discover()
            .build()?;
        Ok(Self { store, commands, queries, projections, processes })
    }

    /// Ends in order: who uses a part is closed before it.
    pub(crate) async fn close(&self) -> Result<()> {
        self.processes.close().await;
        let projections = self.projections.close().await.context("closing the projections");
        let store = self.store.backend().close().await.context("closing the store");
        first_error(projections, store)
    }
}

fn commands(store: &Store) -> Result<CommandBus<StudioEvent>> {
    let bus = CommandBus::builder(store.clone())
        .repository::<Workshop>(|workshops| workshops.with_cache(CACHED))
        .repository::<Wallet>(|wallets| wallets.with_cache(CACHED))
        .repository::<Booking>(|bookings| bookings.with_cache(CACHED))
        .layer(Timeout::new(PATIENCE))
        .layer(ConcurrencyLimit::new(AT_ONCE).with_max_waiting(WAITING))
        // All with `#[command_handler]`.
        .discover()
        .build()?;
    Ok(bus)
}
