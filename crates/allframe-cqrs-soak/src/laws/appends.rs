//! What the writers were told, and what is there.

use std::collections::{BTreeMap, BTreeSet};

use allframe_cqrs::{Recorded, Tags};
use anyhow::{Context, bail, ensure};

use crate::{
    bank::BankEvent,
    ledger::{Ledger, Outcome},
    plan::{Guard, Name, Planned},
};

/// Acknowledged: there once and whole, where it was said to be. Refused: not there, and what it was refused for is. On its way:
/// whole or not at all.
pub(super) fn hold(events: &[Recorded<BankEvent>], seed: u64, ledger: &Ledger) -> anyhow::Result<()> {
    let mut there: BTreeMap<Name, BTreeMap<usize, &Recorded<BankEvent>>> = BTreeMap::new();
    for event in events {
        let Some((name, index)) = Name::of(event.id()) else { continue };
        let before = there.entry(name).or_default().insert(index, event);
        ensure!(before.is_none(), "{name} is there twice: {event:?}");
    }
    let mut once: BTreeMap<String, Name> = BTreeMap::new();
    for (name, stored) in &there {
        let planned = Planned::new(seed, *name);
        let places = places(&planned, stored).with_context(|| format!("{name}"))?;
        match ledger.appends.get(name) {
            Some(Outcome::Refused) => bail!("{name} was refused, and is there: {stored:?}"),
            Some(Outcome::Acknowledged(told)) => {
                ensure!(*told == places, "{name} was acknowledged at {told:?}, and is at {places:?}");
            }
            None => ensure!(ledger.on_their_way.contains(name), "{name} was never submitted"),
        }
        if let Guard::Once(tag) = planned.guard
            && let Some(other) = once.insert(tag.clone(), *name)
        {
            bail!("{name} and {other} are both there, and each forbids the other ({tag})");
        }
    }
    let acknowledged = |(_, outcome): &(&Name, &Outcome)| matches!(outcome, Outcome::Acknowledged(_));
    let lost = ledger.appends.iter().filter(acknowledged).find(|(name, _)| !there.contains_key(name));
    ensure!(lost.is_none(), "{lost:?} is gone");
    let streams: BTreeSet<&str> = events.iter().map(|it| it.stream().as_str()).collect();
    for (name, _) in ledger.appends.iter().filter(|(_, outcome)| **outcome == Outcome::Refused) {
        let planned = Planned::new(seed, *name);
        // It was there then, and nothing is ever removed. Whether its own outcome is known makes no difference: what others are
        // refused for is written before they are told.
        let is_forbidden = match &planned.guard {
            Guard::Once(tag) => once.contains_key(tag),
            Guard::AsRead => planned.streams.iter().any(|(stream, _)| streams.contains(stream.as_str())),
            Guard::Free | Guard::Alone => false,
        };
        ensure!(
            is_forbidden,
            "{name} was refused, and nothing that is there forbids it ({:?})",
            planned.guard
        );
    }
    Ok(())
}

/// Where the first event of each of its streams is. Fails where it is there by half, or with other content.
fn places(
    planned: &Planned,
    stored: &BTreeMap<usize, &Recorded<BankEvent>>,
) -> anyhow::Result<Vec<(u64, u64)>> {
    let tags = match &planned.guard {
        Guard::Once(tag) => Tags::parse([tag.clone()])?,
        Guard::Free | Guard::AsRead | Guard::Alone => Tags::NONE,
    };
    let mut places = Vec::new();
    let mut index = 0;
    for (stream, events) in &planned.streams {
        for (number, event) in events.iter().enumerate() {
            let found = stored.get(&index).with_context(|| format!("event {index} is not there"))?;
            let same =
                found.stream().as_str() == stream && found.event == *event && found.record.tags == tags;
            ensure!(same, "event {index} is not what was submitted: {found:?}");
            if number == 0 {
                places.push((found.version().get(), found.position().get()));
            }
            index += 1;
        }
    }
    ensure!(stored.len() == index, "there are {} events of {index}", stored.len());
    Ok(places)
}

#[cfg(test)]
mod tests {
    use allframe_cqrs::ExpectedVersion;

    use super::*;
    use crate::{laws::log, said::Said, store::open};

    const SEED: u64 = 11;

    fn planned(count: u32) -> Vec<Planned> {
        (0..count).map(|number| Planned::new(SEED, Name { life: 0, task: 0, number })).collect()
    }

    fn acknowledged(planned: &Planned, places: &[(u64, u64)]) -> Said {
        Said::Acknowledged(planned.name, places.to_vec())
    }

    /// A store with all of these, without their conditions, and what a ledger has to say of each.
    async fn stored(planned: &[Planned]) -> (Vec<Recorded<BankEvent>>, Vec<Said>) {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path(), 0).unwrap();
        let mut said = Vec::new();
        for planned in planned {
            let mut batch = store.batch();
            for (stream, drafts) in planned.drafts().unwrap() {
                batch = batch.append(stream, ExpectedVersion::Any, drafts);
            }
            let places = batch.commit().await.unwrap();
            let places: Vec<_> =
                places.iter().map(|it| (it.first_version.get(), it.first_position.get())).collect();
            said.push(acknowledged(planned, &places));
        }
        (log::read_typed(&store).await.unwrap(), said)
    }

    fn found(events: &[Recorded<BankEvent>], said: &[Said]) -> String {
        let mut ledger = Ledger::default();
        said.iter().cloned().for_each(|it| ledger.note(it));
        hold(events, SEED, &ledger).map_or_else(|error| format!("{error:#}"), |()| "well".to_owned())
    }

    /// Without those that forbid each other.
    fn free(count: u32) -> Vec<Planned> {
        planned(count).into_iter().filter(|it| !matches!(it.guard, Guard::Once(_))).collect()
    }

    #[tokio::test]
    async fn what_was_acknowledged_is_there_and_what_was_on_its_way_may_be() {
        let (events, said) = stored(&free(20)).await;
        assert_eq!(found(&events, &said), "well");
        let mut ledger = Ledger::default();
        said.iter().skip(1).cloned().for_each(|it| ledger.note(it));
        assert!(hold(&events, SEED, &ledger).unwrap_err().to_string().contains("was never submitted"));
        ledger.on_their_way.insert(free(1)[0].name);
        hold(&events, SEED, &ledger).unwrap();
    }

    #[tokio::test]
    async fn what_is_gone_is_elsewhere_or_was_refused_is_found() {
        let planned = free(20);
        let (events, mut said) = stored(&planned).await;
        let (fewer, _) = stored(&planned[..planned.len() - 1]).await;
        assert!(found(&fewer, &said).contains("is gone"));
        said[0] = acknowledged(&planned[0], &[(9, 9)]);
        assert!(found(&events, &said).contains("was acknowledged at [(9, 9)]"));
        said[0] = Said::Refused(planned[0].name);
        assert!(found(&events, &said).contains("was refused, and is there"));
    }

    #[tokio::test]
    async fn half_an_append_and_another_content_are_found() {
        let planned = free(40);
        let both = planned.iter().position(|it| it.streams.len() > 1).unwrap();
        let mut half = planned.clone();
        half[both].streams.truncate(1);
        let (events, said) = stored(&half).await;
        assert!(found(&events, &said).contains("is not there"), "{}", found(&events, &said));
        let mut other = planned.clone();
        other[0].streams[0].1[0] = BankEvent::Noted { text: "something else".to_owned() };
        let (events, said) = stored(&other).await;
        assert!(found(&events, &said).contains("is not what was submitted"));
    }

    /// Two that forbid each other.
    fn pair() -> [Planned; 2] {
        let once = |task: u16| {
            let all = (0..200).map(|number| Planned::new(SEED, Name { life: 0, task, number }));
            all.filter(|it| matches!(it.guard, Guard::Once(_))).collect::<Vec<_>>()
        };
        let others = once(1);
        let pair = once(0).into_iter().find_map(|one| {
            let other = others.iter().find(|it| it.guard == one.guard)?;
            Some([one, other.clone()])
        });
        pair.unwrap()
    }

    #[tokio::test]
    async fn what_is_refused_for_nothing_that_is_there_is_found() {
        let [one, other] = pair();
        let refused = [Said::Refused(other.name)];
        let (events, said) = stored(std::slice::from_ref(&one)).await;
        assert_eq!(found(&events, &[said.as_slice(), &refused].concat()), "well");
        // What refused it may have been on its way when the life ended.
        let mut ledger = Ledger::default();
        refused.iter().cloned().for_each(|it| ledger.note(it));
        ledger.on_their_way.insert(one.name);
        hold(&events, SEED, &ledger).unwrap();
        assert!(
            hold(&[], SEED, &ledger).unwrap_err().to_string().contains("nothing that is there forbids it")
        );

        let as_read = planned(40).into_iter().find(|it| it.guard == Guard::AsRead).unwrap();
        assert!(found(&[], &[Said::Refused(as_read.name)]).contains("forbids it (AsRead)"));
        let free = planned(40).into_iter().find(|it| it.guard == Guard::Free).unwrap();
        assert!(found(&[], &[Said::Refused(free.name)]).contains("forbids it (Free)"));
    }

    /// That its stream is there forbids nothing: it is its own.
    #[tokio::test]
    async fn what_has_its_stream_to_itself_and_is_refused_is_found() {
        let alone: Vec<_> = planned(40).into_iter().filter(|it| it.guard == Guard::Alone).collect();
        let (events, said) = stored(&alone[..1]).await;
        let refused = [Said::Refused(alone[1].name)];
        let told = found(&events, &[said.as_slice(), &refused].concat());
        assert!(told.contains("nothing that is there forbids it (Alone)"), "{told}");
    }

    #[tokio::test]
    async fn two_that_forbid_each_other_are_found() {
        let (events, said) = stored(&pair()).await;
        assert!(found(&events, &said).contains("each forbids the other"), "{}", found(&events, &said));
    }
}
