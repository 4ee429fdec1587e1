use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use eventstore_api::{Result, StoreError};
use eventstore_embedded::{Durability, Engine};
use rust_rocksdb::{ErrorKind, WriteBatch};

use super::{
    decide::Decider,
    group::Group,
    memory::Memory,
    request::{Done, Request},
    space,
};
use crate::{
    config::RocksDbConfig,
    database::{Database, GivenUp, Sync, is_stop_for_want_of_room, is_want_of_room},
    error::{Cause, RocksDbError, failed, gave_up},
    gate::Gate,
    layout::{family, keys},
    published::Published,
};

/// How long a store that is closed waits for RocksDB to go on by itself, which looks every five seconds whether there is room.
const PATIENCE: Duration = Duration::from_secs(10);

/// What appends to a database, a group at a time: a [`WriteBatch`], and one sync for all of it.
pub(crate) struct Appender {
    gate: Gate,
    given_up: GivenUp,
    published: Arc<Published>,
    durability: Durability,
    /// How many bytes have to stay free on the disk: what is in memory has to get there.
    reserve: u64,
    /// The directory, to say where something has failed.
    path: PathBuf,
    memory: Memory,
    /// Whether something was acknowledged that is not durable.
    has_unsynced: bool,
}

/// Why a group was not written.
enum Unwritten {
    /// Nothing of it is there.
    Refused(StoreError),
    /// Nobody knows what of it is there.
    Failed(Cause),
}

impl Appender {
    pub(crate) fn new(
        gate: Gate,
        given_up: GivenUp,
        published: Arc<Published>,
        path: PathBuf,
        config: &RocksDbConfig,
    ) -> Self {
        Self {
            gate,
            given_up,
            published,
            durability: config.durability,
            reserve: config.write_buffer() as u64,
            path,
            memory: Memory::new(config.cached_streams),
            has_unsynced: false,
        }
    }

    fn check(&self) -> Result<()> {
        self.given_up.why().map_or(Ok(()), |cause| Err(gave_up(&self.path, cause)))
    }

    /// Has RocksDB go on where it had stopped for want of room, and there is some; says so where there is none.
    fn go_on_where_there_is_room(&self, database: &Database) -> Result<()> {
        let Some(cause) = self.given_up.lacks_room() else { return Ok(()) };
        space::check(database.path(), 0, self.reserve)?;
        // Before: it may come to lack room again meanwhile.
        self.given_up.set_lacks_room(None);
        match database.resume() {
            Ok(()) => Ok(()),
            // It notices by itself, and says only that it is about to.
            Err(error) if error.kind() == ErrorKind::Busy => Err(self.lacks_room(database, cause)),
            Err(error) if is_want_of_room(&error) => {
                Err(self.lacks_room(database, Cause(error.into_string())))
            }
            Err(error) => {
                let cause = self.given_up.because(Cause(error.into_string()));
                Err(gave_up(&self.path, cause))
            }
        }
    }

    /// Waits where RocksDB is about to go on by itself, and there is room for it.
    fn wait_while_it_recovers(&self, database: &Database, until: Instant) {
        loop {
            let seen = self.given_up.recoveries();
            let is_about_to = self.given_up.why().is_none()
                && self.given_up.lacks_room().is_some()
                && space::check(database.path(), 0, self.reserve).is_ok()
                && database.resume().is_err_and(|error| error.kind() == ErrorKind::Busy);
            if !is_about_to || !self.given_up.wait_for_recovery(seen, until) {
                return;
            }
        }
    }

    /// Makes all of it durable, and puts it into files; where that failed for want of room and there is some by now, again: whoever
    /// closes does not come again, as those do who append.
    fn finish(&mut self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        let gate = self.gate.clone();
        loop {
            let database = gate.enter()?;
            self.wait_while_it_recovers(&database, until);
            drop(database);
            self.or_give_up(Self::sync_and_say_so)?;
            // Where this fails, the log has all of it.
            let database = gate.enter()?;
            match database.try_flush_memory()? {
                Ok(()) => return Ok(()),
                Err(error) if is_stop_for_want_of_room(&error) && Instant::now() < until => {
                    // It may have failed before, and is told only now.
                    let _ = self.lacks_room(&database, Cause(error.into_string()));
                }
                Err(error) => return Err(failed(&self.path, "write out what is in memory")(error)),
            }
        }
    }

    /// What is in memory could not be written out: nothing is taken until there is room.
    fn lacks_room(&self, database: &Database, cause: Cause) -> StoreError {
        self.given_up.set_lacks_room(Some(cause.clone()));
        let doing = format!("write out what is in memory in {}", database.path().display());
        StoreError::unavailable(RocksDbError::Failed { doing, source: cause })
    }

    /// Writes a group, and shows it.
    fn write(&mut self, group: &mut Group<'_>, database: &Database) -> Result<(), Unwritten> {
        let mut state = group.state();
        state.synced = match self.durability {
            Durability::Always => self.published.state().counts,
            // What is acknowledged before it is durable may as well be shown.
            _ => state.counts,
        };
        let batch = group.finish(state, database).map_err(Unwritten::Refused)?;
        let bytes = batch.size_in_bytes() as u64;
        space::check(database.path(), bytes, self.reserve).map_err(Unwritten::Refused)?;
        let sync = match self.durability {
            Durability::Always => Sync::Waited,
            _ => Sync::Left,
        };
        database.write(batch, sync).map_err(|error| match is_stop_for_want_of_room(&error) {
            true => Unwritten::Refused(self.lacks_room(database, Cause(error.into_string()))),
            false => Unwritten::Failed(Cause(error.into_string())),
        })?;
        match sync {
            Sync::Waited => database.note_synced(state.counts.head),
            Sync::Left => self.has_unsynced = true,
        }
        for (stream, head) in group.heads() {
            self.memory.set_head(stream, head);
        }
        self.published.show(state);
        Ok(())
    }

    /// What to answer where a group was not written.
    fn take_back(&mut self, answers: &mut [Result<Done>], unwritten: Unwritten) {
        self.memory.forget();
        match unwritten {
            // Also those that were refused, for what now is not there.
            Unwritten::Refused(why) => answers.iter_mut().for_each(|answer| *answer = Err(why.clone())),
            Unwritten::Failed(cause) => {
                let cause = self.given_up.because(cause);
                for answer in answers {
                    *answer = Err(match answer {
                        Ok(_) => StoreError::outcome_unknown(RocksDbError::GaveUp { source: cause.clone() }),
                        Err(_) => gave_up(&self.path, cause.clone()),
                    });
                }
            }
        }
    }

    /// Says in the database that everything up to the head is durable: readers in other processes wait for that.
    fn say_synced(&mut self, database: &Database) -> Result<(), rust_rocksdb::Error> {
        let mut state = self.published.state();
        // Nobody waits for it so much that a full disk should end all writing.
        if state.synced == state.counts || space::check(database.path(), 0, self.reserve).is_err() {
            return Ok(());
        }
        state.synced = state.counts;
        if let Ok(meta) = database.family(family::META) {
            let mut batch = WriteBatch::default();
            batch.put_cf(meta, keys::STATE, state.to_bytes());
            database.write(&batch, Sync::Left)?;
            self.published.show(state);
        }
        Ok(())
    }

    fn sync(&mut self, database: &Database) -> Result<(), rust_rocksdb::Error> {
        if self.has_unsynced {
            database.sync()?;
            database.note_synced(self.published.head());
            self.has_unsynced = false;
        }
        Ok(())
    }

    fn sync_and_say_so(&mut self, database: &Database) -> Result<(), rust_rocksdb::Error> {
        self.sync(database)?;
        self.say_synced(database)
    }

    /// Does something that, when it fails, ends all writing.
    fn or_give_up(
        &mut self,
        work: impl FnOnce(&mut Self, &Database) -> Result<(), rust_rocksdb::Error>,
    ) -> Result<()> {
        self.check()?;
        let gate = self.gate.clone();
        let database = gate.enter()?;
        self.go_on_where_there_is_room(&database)?;
        work(self, &database).map_err(|error| {
            if is_stop_for_want_of_room(&error) {
                return self.lacks_room(&database, Cause(error.into_string()));
            }
            gave_up(&self.path, self.given_up.because(Cause(error.into_string())))
        })
    }
}

impl Engine for Appender {
    type Request = Request;
    type Output = Done;

    fn commit<'r>(
        &mut self,
        requests: impl ExactSizeIterator<Item = &'r Request> + Clone,
    ) -> Vec<Result<Done>> {
        let gate = self.gate.clone();
        let entered = self.check().and_then(|()| gate.enter()).and_then(|database| {
            self.go_on_where_there_is_room(&database)?;
            Ok(database)
        });
        let database = match entered {
            Ok(database) => database,
            Err(error) => return requests.map(|_| Err(error.clone())).collect(),
        };
        let state = self.published.state();
        let mut group = Group::new(state);
        let mut answers: Vec<Result<Done>> = Vec::with_capacity(requests.len());
        for request in requests {
            let (group, memory) = (&mut group, &mut self.memory);
            let mut decider = Decider { database: &database, group, memory, head: state.counts.head };
            answers.push(match request {
                Request::Append(append) => decider.append(append).map(Done::Appended),
                Request::Save(save) => decider.save(save).map(|()| Done::Saved),
            });
        }
        if !group.is_empty()
            && let Err(unwritten) = self.write(&mut group, &database)
        {
            self.take_back(&mut answers, unwritten);
        }
        answers
    }

    fn flush(&mut self) -> Result<()> {
        self.or_give_up(Self::sync_and_say_so)
    }

    fn on_idle(&mut self) -> Result<()> {
        match self.durability {
            Durability::Interval(_) => self.or_give_up(Self::sync),
            _ => self.or_give_up(Self::say_synced),
        }
    }

    fn has_failed(&self) -> bool {
        self.given_up.why().is_some()
    }

    fn close(mut self) -> Result<()> {
        self.finish()
    }
}

/// However it ends, another may have the database then.
impl Drop for Appender {
    fn drop(&mut self) {
        self.published.close();
        self.gate.close();
    }
}
