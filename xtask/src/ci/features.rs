//! Which combinations of features mean something.

use std::collections::BTreeMap;

/// Feature names as a manifest maps them to what they turn on.
pub(super) type Features = BTreeMap<String, Vec<String>>;

/// The sets of features to compile, each with `--no-default-features`: nothing, each feature, each two, all of them;
/// and each other name on its own.
///
/// Two at a time is where features meet: code behind both, or behind one and not the other. A full powerset would
/// double with each backend.
pub(super) fn combinations(features: &Features) -> Vec<String> {
    let (names, real): (Vec<&str>, Vec<&str>) =
        features.keys().map(String::as_str).partition(|feature| is_name_for_others(feature, features));

    let mut sets: Vec<Vec<&str>> = vec![Vec::new()];
    sets.extend(real.iter().map(|feature| vec![*feature]));
    for (place, first) in real.iter().enumerate() {
        sets.extend(real.iter().skip(place + 1).map(|second| vec![*first, *second]));
    }
    if real.len() > 2 {
        sets.push(real);
    }
    sets.extend(names.into_iter().map(|name| vec![name]));
    sets.into_iter().map(|set| set.join(",")).collect()
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
    fn more_features_grow_by_pairs() {
        let features = features(&[("a", &[]), ("b", &[]), ("c", &[]), ("d", &[]), ("e", &[])]);
        let combinations = combinations(&features);
        assert_eq!(combinations.len(), 1 + 5 + 10 + 1);
        assert!(combinations.contains(&"a,b,c,d,e".to_owned()));
    }

    #[test]
    fn a_feature_that_turns_on_another_and_a_dependency_is_a_real_one() {
        let features = features(&[("wal", &["dep:eventstore-wal", "memory"]), ("memory", &[])]);
        assert_eq!(combinations(&features), ["", "memory", "wal", "memory,wal"]);
    }
}
