//! What the lives said: what the store is held against in the end.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    child::{TASKS, Trace},
    plan::Name,
    said::Said,
};

/// What is known of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// For each of its streams the version and the position of its first event.
    Acknowledged(Vec<(u64, u64)>),
    Refused,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) appends: BTreeMap<Name, Outcome>,
    /// Begun by a life that ended before the outcome was known, and not repeated yet.
    pub(crate) on_their_way: BTreeSet<Name>,
    pub(crate) sagas: BTreeSet<String>,
    pub(crate) snapshots: BTreeMap<u64, u64>,
    pub(crate) traces: Vec<Trace>,
    /// How far each account was handled, without a gap.
    pub(crate) handled: BTreeMap<u64, u64>,
    pub(crate) handled_again: u64,
    /// Sagas that a person had to have retried in the end.
    pub(crate) retried: u64,
    pub(crate) problems: Vec<String>,
}

impl Ledger {
    pub(crate) fn note(&mut self, said: Said) {
        match said {
            Said::Open => {}
            Said::Acknowledged(name, places) => self.know(name, Outcome::Acknowledged(places)),
            Said::Refused(name) => self.know(name, Outcome::Refused),
            Said::Begun(saga) => {
                self.sagas.insert(saga);
            }
            Said::Kept(stream, version) => {
                let kept = self.snapshots.entry(stream).or_default();
                *kept = version.max(*kept);
            }
            Said::Seen(position, events, hash) => self.traces.push(Trace { position, events, hash }),
            Said::Handled(account, version) => self.handle(account, version),
        }
    }

    fn know(&mut self, name: Name, outcome: Outcome) {
        self.on_their_way.remove(&name);
        if let Some(before) = self.appends.insert(name, outcome.clone())
            && before != outcome
        {
            self.problems.push(format!("{name} was {before:?}, and then {outcome:?}"));
        }
    }

    fn handle(&mut self, account: u64, version: u64) {
        let last = self.handled.entry(account).or_default();
        match version.checked_sub(*last) {
            None | Some(0) => self.handled_again += 1,
            Some(1) => *last = version,
            Some(_) => {
                let problem = format!("account-{account}: {version} was handled before {}", *last + 1);
                self.problems.push(problem);
                *last = version;
            }
        }
    }

    /// When a life has ended: each of its writers may have had one append on its way.
    pub(crate) fn end_of(&mut self, life: u32, has_opened: bool) {
        if !has_opened {
            return;
        }
        for task in 0..TASKS {
            let all = Name { life, task, number: 0 }..=Name { life, task, number: u32::MAX };
            let next = self.appends.range(all).next_back().map_or(0, |(last, _)| last.number + 1);
            self.on_their_way.insert(Name { life, task, number: next });
        }
    }

    pub(crate) fn seen(&self) -> Option<Trace> {
        self.traces.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Name = Name { life: 3, task: 0, number: 0 };

    #[test]
    fn each_writer_of_a_life_may_have_had_one_append_on_its_way() {
        let mut ledger = Ledger::default();
        ledger.note(Said::Refused(NAME));
        ledger.end_of(3, true);
        assert_eq!(ledger.on_their_way.len(), usize::from(TASKS));
        assert!(ledger.on_their_way.contains(&Name { number: 1, ..NAME }));
        ledger.note(Said::Refused(Name { number: 1, ..NAME }));
        assert_eq!(ledger.on_their_way.len(), usize::from(TASKS) - 1);
    }

    #[test]
    fn an_append_that_is_answered_in_two_ways_is_a_problem() {
        let mut ledger = Ledger::default();
        ledger.note(Said::Acknowledged(NAME, vec![(1, 1)]));
        ledger.note(Said::Acknowledged(NAME, vec![(1, 1)]));
        assert!(ledger.problems.is_empty());
        ledger.note(Said::Refused(NAME));
        assert_eq!(ledger.problems.len(), 1);
    }

    #[test]
    fn an_event_that_is_handled_before_its_turn_is_a_problem_and_one_that_is_handled_again_is_none() {
        let mut ledger = Ledger::default();
        for version in [1, 2, 1, 2, 3] {
            ledger.note(Said::Handled(7, version));
        }
        assert!(ledger.problems.is_empty() && ledger.handled_again == 2, "{ledger:?}");
        ledger.note(Said::Handled(7, 5));
        assert_eq!(ledger.problems, ["account-7: 5 was handled before 4"]);
    }
}
