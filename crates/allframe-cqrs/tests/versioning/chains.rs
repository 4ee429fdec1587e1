//! The ways from all earlier forms are checked before any event is read.

use allframe_cqrs::{
    AutoUpcaster, EventStore, MigrationPath, UnknownEvents, UpcastContext, VersionRegistry,
    VersioningProblem, event,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::reading::{read, read_with, stored_json, told};

#[event(version = 3)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Paid {
    cents: u64,
}

#[event(rename = "Paid")]
#[derive(Clone, Serialize, Deserialize)]
struct PaidV1 {
    euros: u64,
}

#[event(rename = "Paid", version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct PaidV2 {
    cents: u64,
}

impl From<PaidV1> for PaidV2 {
    fn from(v1: PaidV1) -> Self {
        Self { cents: v1.euros * 100 }
    }
}

impl From<PaidV2> for Paid {
    fn from(v2: PaidV2) -> Self {
        Self { cents: v2.cents }
    }
}

fn second() -> VersionRegistry<Paid> {
    VersionRegistry::new().upcaster(AutoUpcaster::<PaidV2, Paid>::new())
}

fn problems(versions: VersionRegistry<Paid>) -> Vec<String> {
    let error = EventStore::<Paid>::new().with_versions(versions).unwrap_err();
    error.problems.iter().map(|problem| problem.to_string().replace("versioning::chains::", "")).collect()
}

fn as_it_is(value: Value, _: &UpcastContext<'_>) -> Value {
    value
}

#[test]
fn a_gap_names_the_version_that_nothing_reads() {
    insta::assert_snapshot!(problems(second()).join("\n"), @"nothing reads `Paid` version 1; say what has changed since, with #[added], #[renamed], #[removed] or #[converted] on its fields or `unchanged(2)` on the event, or give the registry an upcaster from it");
    let from_nowhere = second().upcast_json(("Paid", 1), ("Paid", 7), as_it_is);
    insta::assert_snapshot!(problems(from_nowhere).join("\n"), @"nothing reads `Paid` version 7, which the upcaster of JSON from `Paid` version 1 to `Paid` version 7 makes; let that make a form that is read, or give the registry an upcaster from this one");
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let error = VersionRegistry::<Paid>::new().check().unwrap_err();
    let missing: Vec<_> = error.problems.iter().collect();
    assert!(
        matches!(
            missing[..],
            [
                VersioningProblem::Gap { schema_version: 1, .. },
                VersioningProblem::Gap { schema_version: 2, .. }
            ]
        ),
        "{error}"
    );
}

/// They would not fit into the memory, and nobody would read them.
#[test]
fn of_gaps_without_end_the_first_are_told() {
    #[event(version = 4_294_967_295)]
    #[derive(Clone, Serialize, Deserialize)]
    struct Dated {
        cents: u64,
    }
    let error = VersionRegistry::<Dated>::new().check().unwrap_err();
    assert_eq!(error.problems.len(), 64);
}

#[test]
fn a_fork_names_both_ways() {
    let typed_twice = second()
        .upcaster(AutoUpcaster::<PaidV1, PaidV2>::new())
        .upcast(|old: PaidV1, _: &UpcastContext<'_>| Paid { cents: old.euros });
    insta::assert_snapshot!(problems(typed_twice).join("\n"), @"`Paid` version 1 is read by the upcaster from `PaidV1` to `PaidV2` and by the upcaster from `PaidV1` to `Paid`; leave one of them out");
    let typed_and_json = second().upcaster(AutoUpcaster::<PaidV1, PaidV2>::new()).upcast_json(
        ("Paid", 1),
        ("Paid", 3),
        as_it_is,
    );
    insta::assert_snapshot!(problems(typed_and_json).join("\n"), @"`Paid` version 1 is read by the upcaster from `PaidV1` to `PaidV2` and by the upcaster of JSON from `Paid` version 1 to `Paid` version 3; leave one of them out");
    let of_today = second().upcaster(AutoUpcaster::<PaidV1, PaidV2>::new()).upcast_json(
        ("Paid", 3),
        ("Paid", 3),
        as_it_is,
    );
    insta::assert_snapshot!(problems(of_today).join("\n"), @"`Paid` version 3 is read by `Paid` itself and by the upcaster of JSON from `Paid` version 3 to `Paid` version 3; leave one of them out");
    let retired = second().upcaster(AutoUpcaster::<PaidV1, PaidV2>::new()).retire("Paid");
    assert_eq!(problems(retired).len(), 3);
}

#[test]
fn a_circle_names_the_forms_on_it() {
    let round = second()
        .upcast_json(("Paid", 1), ("PaidInFull", 1), as_it_is)
        .upcast_json(("PaidInFull", 1), ("PaidInFull", 2), as_it_is)
        .upcast_json(("PaidInFull", 2), ("Paid", 1), as_it_is);
    insta::assert_snapshot!(problems(round).join("\n"), @"upcasters go round in a circle: `Paid` version 1 -> `PaidInFull` version 1 -> `PaidInFull` version 2 -> `Paid` version 1");
}

#[test]
fn a_circle_of_types_is_found_too() {
    #[event]
    #[derive(Clone, Serialize, Deserialize)]
    struct A;
    #[event]
    #[derive(Clone, Serialize, Deserialize)]
    struct B;
    let round = second()
        .upcaster(AutoUpcaster::<PaidV1, PaidV2>::new())
        .upcast(|_: A, _: &UpcastContext<'_>| B)
        .upcast(|_: B, _: &UpcastContext<'_>| A);
    let problems = problems(round);
    assert!(problems.len() == 1 && problems[0].contains("round in a circle"), "{problems:?}");
}

/// With the name of its Rust type, and today's event stored under the same.
#[test]
fn an_upcaster_that_would_never_be_called_is_an_error() {
    mod old {
        use super::*;

        #[event(version = 3)]
        #[derive(Clone, Serialize, Deserialize)]
        pub(super) struct Paid {
            pub(super) cents: u32,
        }
    }
    let idle = second()
        .upcaster(AutoUpcaster::<PaidV1, PaidV2>::new())
        .upcast(|old: old::Paid, _: &UpcastContext<'_>| Paid { cents: old.cents.into() });
    let problems = problems(idle);
    assert!(problems.len() == 1 && problems[0].contains("has nothing to do"), "{problems:?}");
}

#[tokio::test]
async fn a_way_that_is_relied_on_must_lead_there() {
    let versions = second().upcaster(AutoUpcaster::<PaidV1, PaidV2>::new());
    versions.register_migration(MigrationPath::new(1, 2, "Paid")).await;
    versions.register_migration(MigrationPath::new(2, 3, "Paid")).await;
    versions.check().unwrap();
    versions.register_migration(MigrationPath::new(1, 2, "Refunded")).await;
    let error = versions.check().unwrap_err().to_string();
    assert!(error.contains("`Refunded` version 1"), "{error}");
}

/// A store that was made without saying so finds out before it is written or read, not with the first old event.
#[tokio::test]
async fn a_type_with_a_gap_is_neither_written_nor_read() {
    let backend = stored_json("Paid", 3, r#"{"cents":5}"#).await;
    let error = told(read::<Paid>(&backend).await.unwrap_err());
    assert!(error.contains("nothing reads `Paid` version 1"), "{error}");
    let error = EventStore::new().append("s", vec![Paid { cents: 5 }]).await.unwrap_err();
    assert!(matches!(error, allframe_cqrs::Error::Versioning(_)), "{error}");
}

#[test]
fn to_pass_unknown_events_through_takes_a_variant_for_them() {
    let versions =
        second().upcaster(AutoUpcaster::<PaidV1, PaidV2>::new()).on_unknown(UnknownEvents::PassThrough);
    let problems = problems(versions);
    assert!(problems[0].contains("#[event(unknown)] Unknown(UnknownEvent)"), "{problems:?}");
}

/// Of an earlier enum some variants may be what they were; only the others need it.
#[tokio::test]
async fn an_upcaster_from_a_whole_enum_reads_what_has_changed_of_it() {
    mod old {
        use super::*;

        #[event]
        #[derive(Clone, Serialize, Deserialize)]
        pub(super) enum Ledger {
            Opened { owner: String },
            Closed { reason: u8 },
        }
    }

    #[event]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Ledger {
        Opened {
            owner: String,
        },
        #[event(version = 2)]
        Closed {
            reason: String,
        },
    }
    let versions =
        VersionRegistry::<Ledger>::new().upcast(|old: old::Ledger, _: &UpcastContext<'_>| match old {
            old::Ledger::Opened { .. } => Err("it is what it was"),
            old::Ledger::Closed { reason } => Ok(Ledger::Closed { reason: reason.to_string() }),
        });
    let backend = crate::reading::stored(vec![
        old::Ledger::Opened { owner: "ann".into() },
        old::Ledger::Closed { reason: 4 },
    ])
    .await;
    let read = crate::reading::read_with(&backend, versions).await.unwrap();
    assert_eq!(read, [Ledger::Opened { owner: "ann".into() }, Ledger::Closed { reason: "4".into() }]);
}

#[event(version = 2, aliases("Sent"))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shipped {
    to: String,
}

#[event(rename = "Shipped")]
#[derive(Clone, Serialize, Deserialize)]
struct ShippedV1 {
    address: String,
}

#[event(rename = "Shipped", aliases("Sent"))]
#[derive(Clone, Serialize, Deserialize)]
struct ShippedOrSentV1 {
    address: String,
}

#[tokio::test]
async fn a_version_is_to_be_read_under_every_name_that_the_kind_had() {
    let error = VersionRegistry::<Shipped>::new().check().unwrap_err();
    let gaps = error.problems.iter().map(|problem| match problem {
        VersioningProblem::Gap { event_type, schema_version: 1, .. } => event_type.as_str(),
        other => panic!("{other}"),
    });
    assert_eq!(gaps.collect::<Vec<_>>(), ["Shipped", "Sent"]);

    let by_todays_name = |old: ShippedV1, _: &UpcastContext<'_>| Shipped { to: old.address };
    let by_both = |old: ShippedOrSentV1, _: &UpcastContext<'_>| Shipped { to: old.address };
    let none = VersionRegistry::<Shipped>::new;
    for versions in [none().upcast(by_todays_name), none().upcast(by_both)] {
        let sent = stored_json("Sent", 1, r#"{"address":"here"}"#).await;
        assert_eq!(read_with(&sent, versions).await.unwrap(), [Shipped { to: "here".into() }]);
    }
}
