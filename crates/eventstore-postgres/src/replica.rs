//! Reading from a server that follows the primary, without anybody noticing but by the load.
//!
//! A page may come from a replica when it shows all that callers have seen (it has replayed that far), and nothing that the primary
//! would not show yet. For the first the replica says how far it is, just before the page and in the same round trip.
//! The second can happen: a commit is replayed elsewhere a moment before its own server lets it be seen, and while the
//! primary waits for a synchronous replica that moment is long.

use std::{
    pin::pin,
    sync::{OnceLock, Weak},
    time::Duration,
};

use eventstore_api::{GlobalPosition, Result};
use futures_util::future::BoxFuture;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};
use tokio_postgres::{Row, Statement};

use crate::{
    PostgresConfig, ReplicaConfig,
    columns::get,
    connection::Connections,
    error::{Failure, of_read},
    lent::Lent,
    question::{Answer, Question},
    read, requests,
    settings::Settings,
    store::Store,
};

/// How long to wait before a replica that is away is looked for again, at least and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// How often a replica is asked at most whether it has caught up.
const ASKS_EVERY: (Duration, Duration) = (Duration::from_micros(500), Duration::from_millis(10));
/// How long a replica that is away may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Longer than anybody waits, and short enough to be added to any time.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);
/// A number that `initdb` draws, and that replicas share with their primary.
const SYSTEM: &str = "SELECT system_identifier FROM pg_control_system()";

#[derive(Debug)]
pub(crate) struct Replica {
    connections: Connections,
    wait: Duration,
    /// Whether it could not be reached, or was too far behind. Until it is found again no read asks it.
    is_away: watch::Sender<bool>,
    /// The primary's, once it was asked.
    system: OnceLock<Option<i64>>,
}

/// Why a page does not come from a replica.
#[derive(Debug)]
enum NoPage {
    /// The connection broke, or took too long.
    Away(String),
    /// It was waited for in vain.
    Behind(GlobalPosition),
    /// It could not answer this time.
    Refused(tokio_postgres::Error),
    /// It follows another server.
    Foreign,
}

impl Replica {
    /// Nothing is connected before the first read; it is away until it was found.
    pub(crate) fn of(replica: &ReplicaConfig, config: &PostgresConfig) -> Result<Self> {
        let settings = Settings::of(replica.url(), config)?;
        let connections = Connections::to(&settings, config)?;
        Ok(Self {
            connections,
            wait: replica.wait(),
            is_away: watch::Sender::new(true),
            system: OnceLock::new(),
        })
    }

    pub(crate) fn close(&self) {
        self.connections.close();
    }

    /// The answer of the replica, where it can show what its reader has to see.
    // Boxed and not inlined: see `requests`.
    #[inline(never)]
    pub(crate) fn answer<'a>(
        &'a self,
        store: &'a Store,
        question: &'a Question<'a>,
    ) -> BoxFuture<'a, Option<Result<Answer>>> {
        Box::pin(async move {
            if *self.is_away.borrow() {
                return None;
            }
            let needed = store.head.needed(question.seen)?;
            match self.ask(store, question, needed).await {
                Ok(answer) => return Some(answer),
                // The primary is asked, and has a say of its own.
                Err(NoPage::Refused(error)) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "the replica did not answer");
                }
                Err(NoPage::Behind(at)) => {
                    tracing::warn!(%at, %needed, "the replica is behind; the primary is read from until it has caught up");
                    self.is_away.send_replace(true);
                }
                Err(NoPage::Foreign) => {}
                Err(NoPage::Away(why)) => {
                    tracing::warn!(why, "the replica is away; the primary is read from until it is back");
                    self.is_away.send_replace(true);
                }
            }
            None
        })
    }

    async fn ask(
        &self,
        store: &Store,
        question: &Question<'_>,
        needed: GlobalPosition,
    ) -> Result<Result<Answer>, NoPage> {
        let deadline = Instant::now() + self.wait.min(LONGEST_WAIT);
        let connection = within(deadline, self.connections.get()).await?.map_err(away)?;
        let asks = within(deadline, connection.within(requests::kept(&connection, &store.sql.head)))
            .await?
            .map_err(broken)?;
        let prepared =
            within(deadline, connection.within(question.prepared_on(&connection))).await?.map_err(broken)?;
        // Requests are executed in the order in which they are first polled. The replica never goes back, so that the page
        // shows at least what was there before it.
        let first = tokio::try_join!(
            biased;
            async {
                let at = replayed(&connection, &asks, deadline).await?;
                if at < needed { Err(NoPage::Behind(at)) } else { Ok(()) }
            },
            async { connection.within(question.ask(&connection, &prepared)).await.map_err(broken) },
        );
        match first {
            Ok(((), answer)) => Ok(answer),
            Err(NoPage::Behind(_)) => {
                catch_up(&connection, &asks, needed, deadline).await?;
                connection.within(question.ask(&connection, &prepared)).await.map_err(broken)
            }
            Err(other) => Err(other),
        }
    }

    /// Whether it is there, and where callers have been.
    async fn is_back(&self, store: &Store) -> Result<bool, NoPage> {
        let deadline = Instant::now() + ANSWERS_WITHIN;
        let connection = within(deadline, self.connections.get()).await?.map_err(away)?;
        let asks = within(deadline, connection.within(requests::kept(&connection, &store.sql.head)))
            .await?
            .map_err(broken)?;
        let at = replayed(&connection, &asks, deadline).await?;
        self.follows_the_primary(store, &connection).await?;
        Ok(store.head.needed(GlobalPosition::START).is_none_or(|needed| at >= needed))
    }

    /// Another server may have a store of this name too, with other events.
    async fn follows_the_primary(&self, store: &Store, connection: &Lent) -> Result<(), NoPage> {
        let primary = match self.system.get() {
            Some(system) => *system,
            None => {
                let rows = read::query(store, SYSTEM, &[]).await.map_err(away)?;
                *self.system.get_or_init(|| system(&rows))
            }
        };
        let rows = connection.within(requests::rows_once(connection, SYSTEM, &[])).await.map_err(broken)?;
        if system(&rows) == primary { Ok(()) } else { Err(NoPage::Foreign) }
    }
}

/// Looks for a replica that is away, until it is back, as long as the store is open.
pub(crate) async fn watch(store: Weak<Store>) {
    let replica = |store: &Store| store.replica.as_ref().map(|replica| replica.is_away.subscribe());
    let Some((mut end, Some(mut is_away))) = store.upgrade().map(|store| (store.head.end(), replica(&store)))
    else {
        return;
    };
    let mut pause = PAUSES.0;
    loop {
        let looks = async { is_away.wait_for(|is_away| *is_away).await.is_ok() };
        tokio::select! {
            () = end.reached() => return,
            is_wanted = looks => if !is_wanted { return },
        }
        let Some(store) = store.upgrade() else { return };
        let Some(replica) = &store.replica else { return };
        match replica.is_back(&store).await {
            Ok(true) => {
                replica.is_away.send_replace(false);
                pause = PAUSES.0;
                continue;
            }
            Ok(false) => {}
            Err(NoPage::Foreign) => {
                tracing::error!(
                    "what is configured as a replica follows another server than the primary; it is not read from"
                );
                return;
            }
            Err(why) => tracing::debug!(?why, "the replica is still away"),
        }
        drop(store);
        tokio::select! {
            () = end.reached() => return,
            () = sleep(pause) => {}
        }
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Waits until the replica is as far as that.
async fn catch_up(
    connection: &Lent,
    asks: &Statement,
    needed: GlobalPosition,
    deadline: Instant,
) -> Result<(), NoPage> {
    let mut pause = ASKS_EVERY.0;
    loop {
        let at = replayed(connection, asks, deadline).await?;
        if at >= needed {
            return Ok(());
        }
        if Instant::now() + pause >= deadline {
            return Err(NoPage::Behind(at));
        }
        sleep(pause).await;
        pause = (pause * 2).min(ASKS_EVERY.1);
    }
}

async fn within<T>(deadline: Instant, future: impl Future<Output = T>) -> Result<T, NoPage> {
    let future = pin!(future);
    timeout_at(deadline, future).await.map_err(|_| NoPage::Away("it takes too long to answer".to_owned()))
}

/// How far the replica is.
async fn replayed(connection: &Lent, asks: &Statement, deadline: Instant) -> Result<GlobalPosition, NoPage> {
    let rows = within(deadline, connection.within(requests::rows_of_prepared(connection, asks, &[]))).await?;
    read::position(&rows.map_err(broken)?).map_err(away)
}

fn system(rows: &[Row]) -> Option<i64> {
    rows.first().and_then(|row| get(row, 0).ok())
}

fn away(error: eventstore_api::StoreError) -> NoPage {
    NoPage::Away(String::from(error))
}

/// What the server says of a statement does not mean that it is away: it may have to give way to what it replays.
fn broken(failure: Failure) -> NoPage {
    let is_going = |code: &str| code.starts_with("08") || code.starts_with("57P");
    match failure {
        Failure::Said(error) if error.code().is_some_and(|code| !is_going(code.code())) => {
            NoPage::Refused(error)
        }
        other => NoPage::Away(String::from(of_read(other))),
    }
}
