//! Which combinations of features mean something.

use std::collections::BTreeMap;

/// Feature names as a manifest maps them to what they turn on.
pub(super) type Features = BTreeMap<String, Vec<String>>;

/// The sets of features to compile, each with `--no-default-features`: nothing, each feature alone, all of them, and as many
/// more as it takes for any three to be met in each of their eight ways, on and off; and each other name on its own.
///
/// Three at a time is where features meet: code behind two of them that needs a third in secret. A full powerset would double
/// with each feature.
pub(super) fn combinations(features: &Features) -> Vec<String> {
    let (names, real): (Vec<&str>, Vec<&str>) =
        features.keys().map(String::as_str).partition(|feature| is_name_for_others(feature, features));

    let all = (1_u32 << real.len()) - 1;
    let mut sets: Vec<u32> = vec![0];
    sets.extend((0..real.len()).map(|feature| 1 << feature));
    sets.push(all);
    cover_triples(&mut sets, real.len());
    sets.sort_by_key(|set| (set.count_ones(), std::cmp::Reverse(set.reverse_bits())));
    sets.dedup();
    let chosen = |set: u32| {
        let on = real.iter().enumerate().filter(move |(place, _)| set & (1 << place) != 0);
        on.map(|(_, feature)| *feature).collect::<Vec<_>>()
    };
    let sets = sets.into_iter().map(chosen).chain(names.into_iter().map(|name| vec![name]));
    sets.map(|set| set.join(",")).collect()
}

/// Adds sets until any three features are met in each of their ways: each time the one that has most of what is missing.
fn cover_triples(sets: &mut Vec<u32>, count: usize) {
    let mut missing: Vec<(u32, u32)> = Vec::new();
    for first in 0..count {
        for second in first..count {
            for third in second..count {
                let mask = 1 << first | 1 << second | 1 << third;
                // Every subset of the three.
                missing.extend((0..=mask).filter(|ways| ways & !mask == 0).map(|ways| (mask, ways)));
            }
        }
    }
    let has = |set: u32| move |&(mask, ways): &(u32, u32)| set & mask == ways;
    for &set in sets.iter() {
        missing.retain(|it| !has(set)(it));
    }
    while !missing.is_empty() {
        let best = (0..1 << count).rev().max_by_key(|&set| missing.iter().filter(|it| has(set)(it)).count());
        let Some(best) = best else { return };
        missing.retain(|it| !has(best)(it));
        sets.push(best);
    }
}

/// Whether a feature turns on nothing but other features of the same crate, as `default`, `full` and aliases do.
fn is_name_for_others(feature: &str, features: &Features) -> bool {
    features.get(feature).is_some_and(|on| !on.is_empty() && on.iter().all(|it| features.contains_key(it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(lines: &[(&str, &[&str])]) -> Features {
        let owned = |on: &[&str]| on.iter().map(|it| (*it).to_owned()).collect();
        lines.iter().map(|(name, on)| ((*name).to_owned(), owned(on))).collect()
    }

    #[test]
    fn a_crate_without_features_has_one_combination() {
        assert_eq!(combinations(&Features::new()), [""]);
    }

    #[test]
    fn up_to_three_features_are_a_full_powerset_and_aliases_stand_alone() {
        let features = features(&[
            ("default", &["memory", "macros"]),
            ("memory", &["dep:eventstore-memory"]),
            ("macros", &["dep:allframe-cqrs-macros"]),
            ("bincode", &[]),
        ]);
        let expected = [
            "",
            "bincode",
            "macros",
            "memory",
            "bincode,macros",
            "bincode,memory",
            "macros,memory",
            "bincode,macros,memory",
            "default",
        ];
        assert_eq!(combinations(&features), expected);
    }

    #[test]
    fn more_features_are_met_three_at_a_time_in_all_their_ways() {
        let names: Vec<String> = ('a'..='k').map(String::from).collect();
        let features: Features = names.iter().map(|name| (name.clone(), Vec::new())).collect();
        let combinations = combinations(&features);
        let sets: Vec<Vec<&str>> = combinations.iter().map(|set| set.split(',').collect()).collect();
        for first in 0..names.len() {
            for second in 0..first {
                for third in 0..second {
                    let three = [first, second, third].map(|place| names[place].as_str());
                    let mut ways: Vec<_> =
                        sets.iter().map(|set| three.map(|feature| set.contains(&feature))).collect();
                    ways.sort_unstable();
                    ways.dedup();
                    assert_eq!(ways.len(), 8, "{three:?}");
                }
            }
        }
        for name in &names {
            assert!(combinations.contains(name));
        }
        assert!(combinations.contains(&names.join(",")));
        // All pairs would be 68.
        assert!(combinations.len() <= 32, "{}", combinations.len());
    }

    #[test]
    fn a_feature_that_turns_on_another_and_a_dependency_is_a_real_one() {
        let features = features(&[("wal", &["dep:eventstore-wal", "memory"]), ("memory", &[])]);
        assert_eq!(combinations(&features), ["", "memory", "wal", "memory,wal"]);
    }
}
