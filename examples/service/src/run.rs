//! The life of the process: listen, open, serve, drain, close.

use std::{
    io::{self, Write},
    sync::Arc,
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
    opening::Opening,
    outcomes::first_error,
    shutdown::{self, Shutdown},
    telemetry::Telemetry,
};

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
    let mut opening = Opening::begin(&configuration.store, lifecycle);
    let served = tokio::select! {
        asked = until_asked(configuration, lifecycle, &mut opening, shutdown) => {
            lifecycle.enter(Phase::Ending);
            // Nobody is at the store any more when it is closed, unless the error says so.
            let drained = server.await.context("the server failed").flatten();
            first_error(asked, drained)
        }
        ended = &mut server => {
            lifecycle.enter(Phase::Ending);
            Err(anyhow!("the server has ended by itself: {ended:?}"))
        }
    };
    // Also where requests were cut off: what they had stored is whole.
    let closed = timeout(configuration.shutdown, close(lifecycle, opening)).await;
    let closed =
        closed.with_context(|| format!("the store was not closed within {:?}", configuration.shutdown));
    first_error(served, closed.flatten())
}

/// Until no more requests are to be taken.
async fn until_asked(
    configuration: &Configuration,
    lifecycle: &Lifecycle,
    opening: &mut Opening,
    mut shutdown: Shutdown,
) -> Result<()> {
    tokio::select! {
        opened = opening.studio() => {
            // There is always one as long as nobody has asked.
            let Some(studio) = opened? else { return Ok(()) };
            lifecycle.opened(Arc::new(studio));
        }
        () = shutdown.asked() => return Ok(()),
    }
    shutdown.asked().await;
    lifecycle.enter(Phase::Draining);
    sleep(configuration.drain).await;
    Ok(())
}

/// Closes the studio, and one that is being opened still as soon as it is open.
async fn close(lifecycle: &Lifecycle, mut opening: Opening) -> Result<()> {
    if let Some(studio) = lifecycle.studio() {
        return studio.close().await;
    }
    match opening.studio().await? {
        Some(studio) => studio.close().await,
        None => Ok(()),
    }
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

    /// Closed, and not only dropped.
    fn is_closed(directory: &TempDir) {
        let next = WalBackend::production(directory.path()).unwrap();
        assert!(next.recovery().was_closed, "{:?}", next.recovery());
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
        assert!(lifecycle.studio().is_some());
        is_closed(&directory);
    }

    #[tokio::test]
    async fn a_store_that_is_being_opened_when_the_end_is_asked_for_is_closed() {
        let directory = TempDir::new().unwrap();
        let lifecycle = Lifecycle::new();
        let server = tokio::spawn({
            let lifecycle = lifecycle.clone();
            async move {
                lifecycle.ending().await;
                Ok(())
            }
        });
        see_through(&on(&directory), &lifecycle, server, Shutdown::already_asked()).await.unwrap();
        assert!(lifecycle.studio().is_none(), "it was open before");
        is_closed(&directory);
    }

    #[tokio::test]
    async fn a_store_that_is_being_opened_when_the_server_ends_by_itself_is_closed() {
        let directory = TempDir::new().unwrap();
        let lifecycle = Lifecycle::new();
        let server = tokio::spawn(async { Ok(()) });
        let shutdown = shutdown::listen().unwrap();
        let error = see_through(&on(&directory), &lifecycle, server, shutdown).await.unwrap_err();
        assert!(error.to_string().contains("has ended by itself"), "{error}");
        assert!(lifecycle.studio().is_none(), "it was open before");
        is_closed(&directory);
    }
}
