use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use eventstore_api::{Appended, GlobalPosition, Result, StoreError};
use tokio::sync::{Notify, watch};

/// How far the log is known to go, how much of it callers have seen, and those who wait for it to go further.
///
/// What is known may be behind what is there, never ahead: it comes from appends that were acknowledged and from asking
/// the server that takes appends. What a replica shows, and what a notification says, is not yet known: a replica can show an
/// append a moment before its primary does, and everybody in a database may send notifications.
#[derive(Debug, Default)]
pub(crate) struct Head {
    known: watch::Sender<State>,
    own: watch::Sender<Own>,
    /// The last position that a caller of this store has heard of.
    shown: AtomicU64,
    /// How many answers told a caller of more than can be said here: a version, or nothing at all.
    doubts: AtomicU64,
    /// How many of them came before the server was asked.
    settled: AtomicU64,
    looks: Arc<Notify>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    position: GlobalPosition,
    is_closed: bool,
}

/// What other processes are to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Own {
    /// The last that was appended here, or announced.
    pub(crate) position: GlobalPosition,
    pub(crate) is_closed: bool,
}

/// Nobody will hear of more.
pub(crate) struct Closed;

/// What was known when the server was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    known: GlobalPosition,
    shown: u64,
    doubts: u64,
}

impl Head {
    /// The log goes at least as far as this.
    pub(crate) fn raise_to(&self, position: GlobalPosition) {
        self.known.send_if_modified(|state| {
            let goes_further = position > state.position;
            state.position = state.position.max(position);
            goes_further
        });
    }

    /// An append of this process has ended with this event, or one that nobody else tells of.
    pub(crate) fn note_appended(&self, position: GlobalPosition) {
        self.raise_to(position);
        self.note_shown(position);
        self.own.send_if_modified(|own| {
            let goes_further = position > own.position;
            own.position = own.position.max(position);
            goes_further
        });
    }

    /// A caller hears of this position, and what he reads from now on has to show it.
    pub(crate) fn note_shown(&self, position: GlobalPosition) {
        self.shown.fetch_max(position.get(), SeqCst);
    }

    /// A caller gets this answer to an append.
    pub(crate) fn note_answer(&self, answer: &Result<Vec<Appended>>) {
        match answer {
            // Perhaps of an append that was made elsewhere, and is known here from now on.
            Ok(appended) => {
                if let Some(last) = appended.iter().map(|it| it.last_position).max() {
                    self.note_appended(last);
                }
            }
            Err(StoreError::ConditionFailed { at }) => {
                self.raise_to(*at);
                self.note_shown(*at);
            }
            // He knows that there is an event, or will look whether there is, and we do not know where.
            Err(
                StoreError::WrongExpectedVersion { .. }
                | StoreError::InvalidInput(_)
                | StoreError::OutcomeUnknown { .. },
            ) => {
                self.doubts.fetch_add(1, SeqCst);
            }
            Err(_) => {}
        }
    }

    /// Before the server is asked how far the log goes.
    pub(crate) fn before(&self) -> Before {
        Before {
            known: self.known.borrow().position,
            shown: self.shown.load(SeqCst),
            doubts: self.doubts.load(SeqCst),
        }
    }

    /// What the server that takes appends has answered.
    pub(crate) fn found(&self, before: Before, head: GlobalPosition) {
        if head < before.known {
            self.has_gone_back(before.known, head);
        }
        // Somebody said that he has seen more than there is.
        if head.get() < before.shown {
            let _ = self.shown.compare_exchange(before.shown, head.get(), SeqCst, SeqCst);
        }
        self.raise_to(head);
        if self.settled.load(SeqCst) < before.doubts {
            // Wherever the event is that a caller knows of, it is not behind this one.
            self.note_shown(head);
            self.settled.fetch_max(before.doubts, SeqCst);
        }
    }

    /// What was known is there no more: another server has taken over, which did not have it.
    fn has_gone_back(&self, known: GlobalPosition, head: GlobalPosition) {
        tracing::error!(
            %known,
            found = %head,
            "the log ends before events that were acknowledged: the server that takes appends now did not have them"
        );
        // Whoever waits behind `head` would be told at once, time and again, of events that are not there.
        self.known.send_if_modified(|state| {
            let is_unchanged = state.position == known;
            state.position = if is_unchanged { head } else { state.position };
            is_unchanged
        });
        self.own.send_if_modified(|own| {
            let is_behind = own.position > head;
            own.position = own.position.min(head);
            is_behind
        });
    }

    /// How far a replica has to be for a caller who has seen this himself. `None` where that cannot be said without
    /// asking.
    pub(crate) fn needed(&self, seen: GlobalPosition) -> Option<GlobalPosition> {
        let doubts = self.doubts.load(SeqCst);
        if self.settled.load(SeqCst) < doubts {
            return None;
        }
        let needed = seen.max(GlobalPosition::new(self.shown.load(SeqCst)));
        (needed <= self.known()).then_some(needed)
    }

    /// How far the log is known to go.
    pub(crate) fn known(&self) -> GlobalPosition {
        self.known.borrow().position
    }

    /// What this process appends. It ends with the store.
    pub(crate) fn own(&self) -> watch::Receiver<Own> {
        self.own.subscribe()
    }

    /// When the store is closed, or nobody has it any more.
    pub(crate) fn end(&self) -> End {
        End(self.own.subscribe())
    }

    pub(crate) fn close(&self) {
        self.known.send_modify(|state| state.is_closed = true);
        self.own.send_modify(|own| own.is_closed = true);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.known.borrow().is_closed
    }

    /// Has the server asked soon. However many say so meanwhile, it is asked once.
    pub(crate) fn look(&self) {
        self.looks.notify_one();
    }

    /// Where those are heard who want the server to be asked.
    pub(crate) fn looks(&self) -> Arc<Notify> {
        Arc::clone(&self.looks)
    }

    /// Waits until the log is known to go beyond this position.
    pub(crate) async fn past(&self, position: GlobalPosition) -> Result<GlobalPosition, Closed> {
        let mut states = self.known.subscribe();
        let is_known = states.borrow().position > position;
        if !is_known {
            // It may have gone further, and nobody told.
            self.look();
        }
        let state = states.wait_for(|state| state.is_closed || state.position > position).await;
        match state {
            Ok(state) if state.position > position => {
                self.note_shown(state.position);
                Ok(state.position)
            }
            _ => Err(Closed),
        }
    }

    /// Whether someone waits.
    pub(crate) fn has_waiters(&self) -> bool {
        self.known.receiver_count() > 0
    }
}

/// The end of a store, for tasks that do not keep it.
pub(crate) struct End(watch::Receiver<Own>);

impl End {
    pub(crate) async fn reached(&mut self) {
        // An error is the end as well: the store is gone.
        let _ = self.0.wait_for(|own| own.is_closed).await;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const fn at(position: u64) -> GlobalPosition {
        GlobalPosition::new(position)
    }

    #[test]
    fn a_replica_has_to_be_where_callers_have_been_and_no_further() {
        let head = Head::default();
        head.raise_to(at(9));
        assert_eq!(head.needed(at(0)), Some(at(0)), "nobody was told of anything");
        head.note_appended(at(7));
        assert_eq!(head.needed(at(0)), Some(at(7)));
        assert_eq!(head.needed(at(8)), Some(at(8)), "he comes from there");
        assert_eq!(head.needed(at(10)), None, "further than is known here");
    }

    #[test]
    fn after_an_answer_that_tells_no_position_the_server_is_asked() {
        let head = Head::default();
        let asked_before = head.before();
        head.note_answer(&Err(StoreError::outcome_unknown("the connection broke")));
        head.found(asked_before, at(5));
        assert_eq!(head.needed(at(0)), None, "it may have been stored since");
        head.found(head.before(), at(6));
        assert_eq!(head.needed(at(0)), Some(at(6)), "it may be any of those");
    }

    #[tokio::test]
    async fn who_waits_has_the_server_asked_and_has_seen_what_he_is_told() {
        let head = Head::default();
        head.raise_to(at(3));
        let told = head.past(at(2)).await.ok();
        assert_eq!((told, head.needed(at(0))), (Some(at(3)), Some(at(3))));
        {
            let mut waits = std::pin::pin!(head.past(at(3)));
            assert!(waits.as_mut().now_or_never().is_none());
            head.looks().notified().await;
            head.found(head.before(), at(4));
            assert_eq!(waits.await.ok(), Some(at(4)));
        }
        assert!(!head.has_waiters());
    }

    #[test]
    fn a_log_that_ends_earlier_than_before_is_taken_as_it_is() {
        let head = Head::default();
        head.note_appended(at(100));
        let before = head.before();
        head.found(before, at(95));
        assert_eq!((head.known(), head.needed(at(0))), (at(95), Some(at(95))));
        assert_eq!(head.own().borrow().position, at(95));
        head.note_appended(at(96));
        assert_eq!(head.own().borrow().position, at(96), "others have to be told of the new event");
    }

    #[test]
    fn an_answer_that_is_older_than_an_append_changes_nothing() {
        let head = Head::default();
        let before = head.before();
        head.note_appended(at(2));
        head.found(before, at(1));
        assert_eq!((head.known(), head.needed(at(0))), (at(2), Some(at(2))));
    }

    #[test]
    fn to_have_seen_more_than_there_is_lasts_until_the_server_is_asked() {
        let head = Head::default();
        head.raise_to(at(5));
        head.note_shown(at(1_000));
        assert_eq!(head.needed(at(0)), None);
        head.found(head.before(), at(5));
        assert_eq!(head.needed(at(0)), Some(at(5)));
    }
}
