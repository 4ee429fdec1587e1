//! What was submitted to a store, and what was acknowledged of it.

use std::collections::BTreeMap;

use eventstore_api::{Appended, GlobalPosition, Version};
use eventstore_torture::violation::Violation;

use crate::{
    arguments::Write,
    life::Said,
    plan::{Name, Plan, Planned},
};

/// An append, and where its events are, if that is known.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) planned: Planned,
    pub(crate) outcome: Option<Vec<Appended>>,
}

/// All appends that the processes of a directory made.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) entries: BTreeMap<Name, Entry>,
}

impl Ledger {
    /// Notes what a process said: what was acknowledged to each of its tasks, and the one append that each may have had
    /// on its way. Answers with how many events were acknowledged.
    pub(crate) fn note(&mut self, life: &Write, said: &Said) -> Result<u64, Violation> {
        if !said.opened {
            return Ok(0);
        }
        let mut acknowledged = BTreeMap::new();
        for line in &said.acknowledged {
            let (name, places) = parse(life.life, line)
                .ok_or_else(|| Violation::new(format!("no acknowledgement: {line}")))?;
            acknowledged.insert(name, places);
        }
        let mut events = 0;
        for task in 0..life.tasks {
            let mut plan = Plan::new(life.seed, life.life, task);
            loop {
                let planned = plan.next().map_err(|error| Violation::new(error.to_string()))?;
                let name = planned.name;
                let outcome = match acknowledged.remove(&name) {
                    Some(places) => Some(outcome(&planned, &places)?),
                    None => None,
                };
                let in_flight = outcome.is_none();
                if !in_flight {
                    events += planned.batch.event_count() as u64;
                }
                self.entries.insert(name, Entry { planned, outcome });
                if in_flight {
                    break;
                }
            }
        }
        match acknowledged.first_key_value() {
            None => Ok(events),
            Some((name, _)) => {
                Err(Violation::new(format!("{name:?} was acknowledged, and one before it was not")))
            }
        }
    }
}

fn parse(life: u32, line: &str) -> Option<(Name, Vec<u64>)> {
    let mut words = line.split(' ');
    let task = words.next()?.parse().ok()?;
    let number = words.next()?.parse().ok()?;
    let places = words.map(|word| word.parse().ok()).collect::<Option<Vec<u64>>>()?;
    Some((Name { life, task, number }, places))
}

fn outcome(planned: &Planned, places: &[u64]) -> Result<Vec<Appended>, Violation> {
    let appends = &planned.batch.appends;
    let outcomes: Vec<Appended> = appends
        .iter()
        .zip(places.chunks_exact(4))
        .filter_map(|(append, places)| {
            let &[first_version, last_version, first, last] = places else { return None };
            let place = |version, position| (Version::new(version), GlobalPosition::new(position));
            Some(Appended::new(append.stream.clone(), place(first_version, first), place(last_version, last)))
        })
        .collect();
    if outcomes.len() != appends.len() || places.len() != 4 * appends.len() {
        return Err(Violation::new(format!("{:?} was acknowledged with {places:?}", planned.name)));
    }
    Ok(outcomes)
}
