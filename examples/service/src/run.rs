//! The life of the process: listen, open, serve, drain, close.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use allframe_cqrs::StoreError;
use anyhow::{Context, Result, bail};
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    configuration::Configuration,
    http,
    lifecycle::{Lifecycle, Phase},
    shutdown::{self, Shutdown},
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

async fn serve(configuration: &Configuration, mut shutdown: Shutdown, telemetry: &Telemetry) -> Result<()> {
    // Before the store is opened, which may take its time: who asks is told that the service starts, and not that it is away.
    let listener = TcpListener::bind(configuration.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", configuration.listen))?;
    // The one line on standard output; the log goes to standard error.
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let lifecycle = Lifecycle::new();
    let mut server = tokio::spawn(http::serve(listener, lifecycle.clone(), telemetry.metrics()));

    let studio = tokio::select! {
        opened = open(&configuration.store) => Some(Arc::new(opened?)),
        () = shutdown.asked() => None,
    };
    if let Some(studio) = &studio {
        lifecycle.opened(Arc::clone(studio));
        tokio::select! {
            () = shutdown.asked() => {}
            ended = &mut server => bail!("the server has ended by itself: {ended:?}"),
        }
        lifecycle.enter(Phase::Draining);
        sleep(configuration.drain).await;
    }
    lifecycle.enter(Phase::Ending);
    let drained = drain(server, configuration.shutdown).await;
    // Also where requests were cut off: what they had stored is whole.
    let closed = match &studio {
        Some(studio) => close(studio, configuration.shutdown).await,
        None => Ok(()),
    };
    drained.and(closed)
}

/// Opens the studio, and tries again while its store is away, as when both are started at once. Meanwhile the service is not ready.
async fn open(store: &str) -> Result<Studio> {
    loop {
        match Studio::open(store).await {
            Err(error) if is_away(&error) => {
                tracing::warn!(error = format!("{error:#}"), "the store is away; it is tried again");
                sleep(TRY_AGAIN).await;
            }
            other => return other,
        }
    }
}

fn is_away(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref().is_some_and(StoreError::is_retryable))
}

/// Waits for the requests that are under way, so long at most.
async fn drain(mut server: JoinHandle<io::Result<()>>, patience: Duration) -> Result<()> {
    match timeout(patience, &mut server).await {
        Ok(ended) => ended?.context("the server failed"),
        Err(_) => {
            server.abort();
            bail!("requests were cut off that were still under way after {patience:?}")
        }
    }
}

async fn close(studio: &Studio, patience: Duration) -> Result<()> {
    let closed = timeout(patience, studio.close()).await;
    closed.with_context(|| format!("the store was not closed within {patience:?}"))?
}
