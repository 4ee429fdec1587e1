//! Hearing of what other processes append.
//!
//! One connection listens, for all who wait. A notification is a hint that the log goes further; it may be lost with the
//! connection, or be made up by anyone in the database. So it is the server that is asked: after a hint, whenever the
//! connection was made anew, when somebody begins to wait, and now and then.
//!
//! No hint is missed in between. Whoever appends tells of it after his commit. Where that is after our `LISTEN`, we hear it; where
//! it is before, the server is asked after the `LISTEN`, and shows what was committed.

use std::{
    future::poll_fn,
    sync::{Arc, Weak},
    time::Duration,
};

use eventstore_api::GlobalPosition;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{sleep, timeout},
};
use tokio_postgres::{AsyncMessage, Client, Connection, types::ToSql};

use crate::{head::Own, read, requests, settings::Settings, store::Store};

/// How long to wait before the next try to connect or to ask, at least and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How often others are told at most.
const TELLS_EVERY: Duration = Duration::from_millis(10);
/// How long the server may take to pass on a word, before the connection is given up.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
/// How long nothing may be said before the connection is tried: one that is half open hears nothing, and does not know.
const SILENCE: Duration = Duration::from_secs(15);
/// How long a store that is closed tries to tell of its last appends.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Asks how far the log goes, when somebody wants to know and now and then while someone waits, as long as the store is open.
pub(crate) async fn poll(store: Weak<Store>, every: Duration) {
    let every = every.max(Duration::from_millis(1));
    let Some((looks, mut end)) = store.upgrade().map(|store| (store.head.looks(), store.head.end())) else {
        return;
    };
    // Whoever wanted to know is not asked again: what could not be asked is asked anew before long.
    let mut owed: Option<Duration> = None;
    loop {
        let is_wanted = tokio::select! {
            () = end.reached() => return,
            () = looks.notified() => true,
            () = sleep(owed.map_or(every, |pause| pause.min(every))) => owed.is_some(),
        };
        let Some(store) = still_open(&store) else { return };
        if !is_wanted && !store.head.has_waiters() {
            continue;
        }
        owed = match read::look(&store).await {
            Ok(_) => None,
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "cannot ask how far the log goes");
                Some(owed.map_or(PAUSES.0, |pause| (pause * 2).min(PAUSES.1)))
            }
        };
    }
}

/// Listens to what other processes say, and says what this one appends.
pub(crate) async fn listen(store: Weak<Store>, settings: Settings, channel: String) {
    let Some((own, mut end)) = store.upgrade().map(|store| (store.head.own(), store.head.end())) else {
        return;
    };
    // Outlives the connection: what could not be told over one is told over the next.
    let mut teller = Teller { channel, own, told: GlobalPosition::START };
    let mut pause = PAUSES.0;
    loop {
        let Some(moved) = store.upgrade().map(|store| store.connections.moved()) else { return };
        let connected = tokio::select! {
            () = end.reached() => return,
            connected = settings.connect() => connected,
        };
        match connected {
            Ok((client, connection)) => {
                // Whichever ends first: the connection, the store, or the time of this server as the one that takes
                // appends, after which it hears of none.
                tokio::select! {
                    () = moved.notified() => {}
                    () = hear(&store, connection) => {}
                    has_listened = teller.tell(&store, &client) => if has_listened { pause = PAUSES.0 },
                }
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "cannot connect to listen");
            }
        }
        tokio::select! {
            () = end.reached() => return,
            () = sleep(pause) => {}
        }
        pause = (pause * 2).min(PAUSES.1);
    }
}

fn still_open(store: &Weak<Store>) -> Option<Arc<Store>> {
    store.upgrade().filter(|store| !store.head.is_closed())
}

/// Takes what comes over the connection, until it ends.
async fn hear<S, T>(store: &Weak<Store>, mut connection: Connection<S, T>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notification(notification))) => {
                let Some(store) = still_open(store) else { continue };
                // What cannot be read is a hint as well. What is known is mostly what was appended here.
                let is_news = notification
                    .payload()
                    .parse()
                    .map_or(true, |position| GlobalPosition::new(position) > store.head.known());
                if is_news && (store.head.has_waiters() || store.replica.is_some()) {
                    store.head.look();
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

/// Tells others of what is appended here, of all that came together at once.
struct Teller {
    channel: String,
    own: watch::Receiver<Own>,
    told: GlobalPosition,
}

impl Teller {
    /// Begins to listen, then tells, until that fails or the store ends. Whether it came to listen.
    async fn tell(&mut self, store: &Weak<Store>, client: &Client) -> bool {
        // The name is made of letters and a number.
        let listen = format!("LISTEN {}", self.channel);
        if !matches!(timeout(ANSWERS_WITHIN, requests::script(client, &listen)).await, Ok(Ok(()))) {
            return false;
        }
        // Nobody tells of what was appended before.
        if let Some(store) = store.upgrade() {
            store.head.look();
        }
        loop {
            let told = self.told;
            let is_over_or_news = |own: &Own| own.position != told || own.is_closed;
            let next = match timeout(SILENCE, self.own.wait_for(is_over_or_news)).await {
                Ok(Ok(own)) => Some(*own),
                // The store is gone, and all was told.
                Ok(Err(_)) => return true,
                Err(_) => None,
            };
            let is_well = match next {
                Some(own) if own.position != told => self.tell_of(client, own).await,
                Some(_) => false,
                None => matches!(timeout(ANSWERS_WITHIN, requests::script(client, "")).await, Ok(Ok(()))),
            };
            if !is_well {
                return true;
            }
        }
    }

    async fn tell_of(&mut self, client: &Client, own: Own) -> bool {
        let head = own.position.get().to_string();
        let patience = if own.is_closed { LAST_WORDS } else { ANSWERS_WITHIN };
        let arguments: [&(dyn ToSql + Sync); 2] = [&self.channel, &head];
        let notify = requests::rows_once(client, "SELECT pg_notify($1, $2)", &arguments);
        let is_told = matches!(timeout(patience, notify).await, Ok(Ok(_)));
        if is_told {
            self.told = own.position;
            sleep(TELLS_EVERY).await;
        }
        is_told
    }
}
