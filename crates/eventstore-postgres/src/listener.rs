//! Hearing of what other processes append.
//!
//! One connection listens, for all who wait. A notification is a hint: it says how far the log goes, and may be lost with
//! the connection. So the server is asked as well, now and then, and whenever the connection was made anew.

use std::{
    future::poll_fn,
    sync::{Arc, Weak},
    time::Duration,
};

use eventstore_api::GlobalPosition;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_postgres::{AsyncMessage, Client, Connection};

use crate::{read, settings::Settings, store::Store};

/// How long to wait before the next try to connect, at least and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// How often others are told at most.
const TELLS_EVERY: Duration = Duration::from_millis(10);
/// How long the server may take to pass on a word, before the connection is given up.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// Asks how far the log goes, as long as someone waits and the store is open.
pub(crate) async fn poll(store: Weak<Store>, every: Duration) {
    let mut ticks = interval(every.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(store) = still_open(&store) else { return };
        if store.head.has_waiters() {
            ask(&store).await;
        }
    }
}

async fn ask(store: &Store) {
    match read::head(store).await {
        Ok(head) => store.head.is_at_least(head),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "cannot ask how far the log goes");
        }
    }
}

/// Listens to what other processes say, and says what this one appends.
pub(crate) async fn listen(store: Weak<Store>, settings: Settings, channel: String) {
    let mut pause = PAUSES.0;
    loop {
        let Some(own) = still_open(&store).map(|store| store.head.own()) else { return };
        match settings.connect().await {
            Ok((client, connection)) => {
                pause = PAUSES.0;
                // Whichever ends first: the connection, or the store.
                tokio::select! {
                    () = hear(&store, connection) => {}
                    () = tell(&store, &client, &channel, own) => {}
                }
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "cannot connect to listen");
            }
        }
        if still_open(&store).is_none() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

fn still_open(store: &Weak<Store>) -> Option<Arc<Store>> {
    store.upgrade().filter(|store| !store.head.is_closed())
}

/// Takes what comes over the connection, until it ends or the store does.
async fn hear<S, T>(store: &Weak<Store>, mut connection: Connection<S, T>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notification(notification))) => {
                let Some(store) = still_open(store) else { return };
                if let Ok(position) = notification.payload().parse() {
                    store.head.is_at_least(GlobalPosition::new(position));
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the connection that listens has ended"
                );
                return;
            }
            None => return,
        }
    }
}

/// Begins to listen; then tells others of what is appended here, of all that came together at once.
async fn tell(store: &Weak<Store>, client: &Client, channel: &str, mut own: watch::Receiver<GlobalPosition>) {
    // The name is made of letters and a number.
    let listening = timeout(ANSWERS_WITHIN, client.batch_execute(&format!("LISTEN {channel}"))).await;
    if !matches!(listening, Ok(Ok(()))) {
        return;
    }
    // Nobody tells of what was appended before.
    match still_open(store) {
        Some(store) => ask(&store).await,
        None => return,
    }
    while own.changed().await.is_ok() {
        let head = own.borrow_and_update().get().to_string();
        let notified =
            timeout(ANSWERS_WITHIN, client.execute("SELECT pg_notify($1, $2)", &[&channel, &head])).await;
        if !matches!(notified, Ok(Ok(_))) {
            return;
        }
        tokio::time::sleep(TELLS_EVERY).await;
    }
}
