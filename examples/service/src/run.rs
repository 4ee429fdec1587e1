//! The life of the process: listen, open, serve, drain, close.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    configuration::Configuration,
    http::{self, Patience},
    lifecycle::{Lifecycle, Phase},
    outcomes::first_error,
    shutdown::{self, Shutdown},
    store,
    studio::Studio,
    telemetry::Telemetry,
};

/// How long to wait before a store is tried again that was away.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Runs until it is asked to end.
pub(crate) async fn run() -> Result<()> {
    let configuration = Configuration::from_environment()?;
    let shutdown = shutdown::listen().context("cannot listen for signals")?;
    let telemetry = Telemetry::start(&configuration)?;
    let served = serve(&configuration, shutdown, &telemetry).await;
    telemetry.flush().await;
    served
}

async fn serve(configuration: &Configuration, shutdown: Shutdown, telemetry: &Telemetry) -> Result<()> {
    // Before the store is opened, which may take its time: who asks is told that the service starts, and not that it is away.
    let listener = TcpListener::bind(configuration.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", configuration.listen))?;
    // The one line on standard output; the log goes to standard error.
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let lifecycle = Lifecycle::new();
    let patience = Patience { read: configuration.read, end: configuration.shutdown };
    let server = http::serve(listener, lifecycle.clone(), telemetry.metrics(), patience);
    see_through(configuration, &lifecycle, tokio::spawn(server), shutdown).await
}

/// From the opening of the store to its closing, in whatever way it comes to that.
async fn see_through(
    configuration: &Configuration,
    lifecycle: &Lifecycle,
    mut server: JoinHandle<Result<()>>,
    shutdown: Shutdown,
) -> Result<()> {
    let served = tokio::select! {
        asked = until_asked(configuration, lifecycle, shutdown) => {
            lifecycle.enter(Phase::Ending);
            // Nobody is at the store any more when it is closed.
            let drained = server.await.context("the server failed").flatten();
            first_error(asked, drained)
        }
        ended = &mut server => Err(anyhow!("the server has ended by itself: {ended:?}")),
    };
    // Also where requests were cut off: what they had stored is whole.
    let closed = match lifecycle.studio() {
        Some(studio) => close(studio, configuration.shutdown).await,
        None => Ok(()),
    };
    first_error(served, closed)
}

/// Until no more requests are to be taken.
async fn until_asked(
    configuration: &Configuration,
    lifecycle: &Lifecycle,
    mut shutdown: Shutdown,
) -> Result<()> {
    tokio::select! {
        opened = open(&configuration.store) => lifecycle.opened(Arc::new(opened?)),
        () = shutdown.asked() => return Ok(()),
    }
    shutdown.asked().await;
    lifecycle.enter(Phase::Draining);
    sleep(configuration.drain).await;
    Ok(())
}

/// Opens the studio, and tries again while its store is away, as when both are started at once. Meanwhile the service is not ready.
async fn open(store: &str) -> Result<Studio> {
    loop {
        match Studio::open(store).await {
            Err(error) if store::is_away(store, &error) => {
                tracing::warn!(error = format!("{error:#}"), "the store is away; it is tried again");
                sleep(TRY_AGAIN).await;
            }
            other => return other,
        }
    }
}

async fn close(studio: &Studio, patience: Duration) -> Result<()> {
    let closed = timeout(patience, studio.close()).await;
    closed.with_context(|| format!("the store was not closed within {patience:?}"))?
}

#[cfg(test)]
mod tests {
    use allframe_cqrs::WalBackend;
    use tempfile::TempDir;
    use tokio::task::yield_now;

    use super::*;

    fn on(directory: &TempDir) -> Configuration {
        let store = format!("wal:{}", directory.path().display());
        Configuration { store, ..Configuration::read(|_| None).unwrap() }
    }

    async fn serves(lifecycle: &Lifecycle) {
        while lifecycle.phase() != Phase::Serving {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn the_store_is_closed_also_where_the_server_ends_by_itself() {
        let directory = TempDir::new().unwrap();
        let lifecycle = Lifecycle::new();
        let server = tokio::spawn({
            let lifecycle = lifecycle.clone();
            async move {
                serves(&lifecycle).await;
                Ok(())
            }
        });
        let shutdown = shutdown::listen().unwrap();
        let error = see_through(&on(&directory), &lifecycle, server, shutdown).await.unwrap_err();
        assert!(error.to_string().contains("has ended by itself"), "{error}");
        // The studio is still there: it is closed, and not only dropped.
        assert!(lifecycle.studio().is_some());
        let next = WalBackend::production(directory.path()).unwrap();
        assert!(next.recovery().was_closed, "{:?}", next.recovery());
    }
}
