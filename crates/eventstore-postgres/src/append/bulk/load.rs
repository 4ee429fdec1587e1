use eventstore_api::Result;
use parking_lot::Mutex;

use super::{super::inside::Inside, Stopped};
use crate::{Migrations, PostgresConfig, indexes, lent::Lent, store::Store};

/// How far a store is that leaves [indexes](crate::indexes) out while its log is filled.
#[derive(Debug)]
pub(crate) struct BulkLoad {
    phase: Mutex<Phase>,
    /// Held by who ends it: others who need the indexes wait for him, and take no connection for that.
    ending: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
enum Phase {
    /// They are left out as soon as much is restored into an empty log.
    Wanted,
    /// They may be left out. One connection stores all of it: what is known of streams holds for a session that was there before, and
    /// to look for them again would be to read the whole log for each.
    UnderWay { idle: Option<Box<Lent>> },
    /// Nobody wants it, or it is over.
    Over,
}

/// As few events at a time are no bulk: whoever restores so few has caught up, and follows.
const FEWEST: u64 = 1_024;

/// One connection stores, and others read.
const FEWEST_CONNECTIONS: usize = 2;

impl BulkLoad {
    pub(crate) fn of(config: &PostgresConfig, connections: usize) -> Self {
        let can_be = config.migrations == Migrations::Run && connections >= FEWEST_CONNECTIONS;
        let phase = if config.bulk_load && can_be { Phase::Wanted } else { Phase::Over };
        Self { phase: Mutex::new(phase), ending: tokio::sync::Mutex::default() }
    }

    pub(super) fn is_under_way(&self) -> bool {
        matches!(*self.phase.lock(), Phase::UnderWay { .. })
    }

    /// The connection to go on with, if so many events are to be restored; `None` where none is under way, or it has to end.
    pub(super) fn go_on(&self, events: u64) -> Option<Lent> {
        if events < FEWEST {
            return None;
        }
        self.take_idle().filter(|connection| !connection.is_closed())
    }

    /// Puts the connection by, on which everything was stored, for the next time.
    pub(super) fn put_by(&self, connection: Lent) {
        if let Phase::UnderWay { idle } = &mut *self.phase.lock() {
            *idle = Some(Box::new(connection));
        }
    }

    fn take_idle(&self) -> Option<Lent> {
        match &mut *self.phase.lock() {
            Phase::UnderWay { idle } => idle.take().map(|idle| *idle),
            Phase::Wanted | Phase::Over => None,
        }
    }

    /// Begins, if so many events are a bulk and it is wanted still.
    fn begin_with(&self, events: u64) -> bool {
        let mut phase = self.phase.lock();
        let begins = matches!(*phase, Phase::Wanted) && events >= FEWEST;
        if begins {
            *phase = Phase::UnderWay { idle: None };
        }
        begins
    }

    /// What has not begun will not: for a store that is closed while events are on their way to it.
    pub(crate) fn give_up(&self) {
        let mut phase = self.phase.lock();
        if matches!(*phase, Phase::Wanted) {
            *phase = Phase::Over;
        }
    }

    fn finish(&self) {
        *self.phase.lock() = Phase::Over;
    }
}

/// Begins where it is wanted, in the transaction that restores so many events into an empty log.
///
/// It is under way before it is known to be: a caller who leaves meanwhile, and a commit of which nobody hears, may have left indexes
/// out.
pub(super) async fn begin(store: &Store, inside: Inside<'_>, events: u64) -> Result<(), Stopped> {
    if !store.bulk_load.begin_with(events) {
        return Ok(());
    }
    let limit = store.connections.answers_within();
    if !indexes::leave_out(inside.client(), &store.sql.schema, limit).await? {
        store.bulk_load.finish();
    }
    Ok(())
}

/// Makes the indexes, where this store may have left them out. Others may have made them, when they opened it.
pub(crate) async fn end(store: &Store) -> Result<()> {
    if !store.bulk_load.is_under_way() {
        return Ok(());
    }
    let _ending = store.bulk_load.ending.lock().await;
    if !store.bulk_load.is_under_way() {
        return Ok(());
    }
    let mut connection = match store.bulk_load.take_idle() {
        Some(connection) => connection,
        None => store.connections.get().await?,
    };
    indexes::make(&mut connection, &store.sql.schema).await?;
    store.bulk_load.finish();
    Ok(())
}
