//! The opening of the studio. It goes on where nobody waits for it any more: what is dropped half open nobody closes.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::{task::JoinHandle, time::sleep};

use crate::{lifecycle::Lifecycle, store, studio::Studio};

/// How long to wait before a store is tried again that was away.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// An opening that is under way, in a task of its own; without one once somebody was told what it came to.
pub(crate) struct Opening(Option<JoinHandle<Result<Option<Studio>>>>);

impl Opening {
    pub(crate) fn begin(store: &str, lifecycle: &Lifecycle) -> Self {
        let (store, lifecycle) = (store.to_owned(), lifecycle.clone());
        Self(Some(tokio::spawn(async move { open(&store, &lifecycle).await })))
    }

    /// The studio, for who waits for it first. There is none where the service ended before there was a store to close.
    ///
    /// Whoever stops waiting leaves it to the next one.
    pub(crate) async fn studio(&mut self) -> Result<Option<Studio>> {
        let Some(opening) = &mut self.0 else { return Ok(None) };
        let opened = opening.await.context("the opening failed").flatten();
        self.0 = None;
        opened
    }
}

/// Opens the studio, and tries again while its store is away, as when both are started at once. Meanwhile the service is not ready.
async fn open(store: &str, lifecycle: &Lifecycle) -> Result<Option<Studio>> {
    loop {
        match once(store, lifecycle).await {
            Err(error) if store::is_away(store, &error) => {
                tracing::warn!(error = format!("{error:#}"), "the store is away; it is tried again");
            }
            other => return other,
        }
        tokio::select! {
            () = sleep(TRY_AGAIN) => {}
            () = lifecycle.ending() => return Ok(None),
        }
    }
}

async fn once(store: &str, lifecycle: &Lifecycle) -> Result<Option<Studio>> {
    let opened = tokio::select! {
        opened = store::open(store) => opened?,
        // It may not answer for long, and until it does, there is nothing to close. A directory is ours from the first moment on.
        () = lifecycle.ending(), if store::is_on_a_server(store) => return Ok(None),
    };
    Studio::on(opened).await.map(Some)
}
