//! What a program is told when it is started on a store in which earlier programs have written.

use allframe_cqrs::{
    AutoUpcaster, EventStore, InMemoryBackend, VersionRegistry,
    schema::{
        CompatibilityMode::{self, *},
        SchemaCheck, SchemaError, SchemaProblem,
    },
};
use insta::assert_snapshot;
use serde_json::Value;

use crate::programs::{new, programs, registry, start, start_with, told};

programs! {
    first { #[event(schema)] pub struct Deposited { pub amount: u64 } }
    with_note { #[event(schema)] pub struct Deposited { pub amount: u64, pub note: Option<String> } }
    with_currency { #[event(schema)] pub struct Deposited { pub amount: u64, pub currency: String } }
    second {
        #[event(schema, version = 2)]
        pub struct Deposited { pub amount: u64, #[added(version = 2, default = "EUR")] pub currency: String }
    }
    third {
        #[event(schema, version = 3)]
        pub struct Deposited {
            pub amount: u64,
            #[added(version = 2, default = "EUR")] #[renamed(from = "currency", version = 3)] pub code: String,
        }
    }
    of_text { #[event(schema)] pub struct Deposited { pub amount: String } }
    text_second { #[event(schema, version = 2)] pub struct Deposited { pub amount: String } }
    as_it_was { #[event(schema, rename = "Deposited")] pub struct DepositedV1 { pub amount: u64 } }
    forgetful {
        #[event(schema, version = 2)]
        pub struct Deposited { #[added(version = 2)] pub currency: String }
    }
    renamed { #[event(schema, rename = "PaidIn", aliases("Deposited"))] pub struct Deposited { pub amount: u64, pub by: String } }
}

impl From<as_it_was::DepositedV1> for text_second::Deposited {
    fn from(earlier: as_it_was::DepositedV1) -> Self {
        Self { amount: earlier.amount.to_string() }
    }
}

#[tokio::test]
async fn what_is_there_already_is_not_registered_again() {
    let backend = InMemoryBackend::new();
    assert_eq!(
        start::<second::Deposited>(&backend, Backward).await.unwrap(),
        new(&[("Deposited", 1), ("Deposited", 2)])
    );
    assert_eq!(start::<second::Deposited>(&backend, Backward).await.unwrap(), new(&[]));
    assert_eq!(registry(&backend).history("Deposited").await.unwrap().versions(), [1, 2]);
}

/// The mistake that people make most: nothing but the type has changed.
#[tokio::test]
async fn a_field_that_came_without_a_new_version_is_refused() {
    let backend = InMemoryBackend::new();
    start::<first::Deposited>(&backend, Backward).await.unwrap();
    let refused = start::<with_currency::Deposited>(&backend, Backward).await;
    assert_snapshot!(told(refused), @r"
    schemas of events do not fit together
    - `Deposited` version 1 has changed, and no longer reads what is stored of it:
      - `/currency` is required to read it, and was never written
      raise the version, `#[event(version = 2)]`, and say what has changed with it: `#[added(version = 2, default = ..)]` on `currency`; or give the registry an upcaster from version 1
    ");
    assert_eq!(registry(&backend).history("Deposited").await.unwrap().schemas.len(), 1);
}

#[tokio::test]
async fn what_is_wrong_is_told_field_by_field_to_programs_too() {
    let backend = InMemoryBackend::new();
    start::<first::Deposited>(&backend, Backward).await.unwrap();
    let refused = start::<of_text::Deposited>(&backend, Backward).await.unwrap_err();
    let SchemaError::Incompatible(refused) = refused else { panic!("{refused}") };
    let [SchemaProblem::NotRead { event_type, stored_version: 1, version: 1, findings, .. }] =
        &refused.problems[..]
    else {
        panic!("{refused}")
    };
    assert_eq!((event_type.as_str(), findings[0].path.as_str()), ("Deposited", "/amount"));
}

#[tokio::test]
async fn a_change_that_breaks_nothing_is_a_revision_of_its_version() {
    let backend = InMemoryBackend::new();
    start::<first::Deposited>(&backend, BackwardTransitive).await.unwrap();
    assert_eq!(
        start::<with_note::Deposited>(&backend, BackwardTransitive).await.unwrap(),
        new(&[("Deposited", 1)])
    );
    let latest = registry(&backend).latest("Deposited").await.unwrap().unwrap();
    assert_eq!((latest.schema.schema_version, latest.revision), (1, 2));
}

/// While programs are replaced, they start in any order.
#[tokio::test]
async fn a_program_whose_schema_is_known_starts_after_newer_ones_too() {
    let backend = InMemoryBackend::new();
    start::<first::Deposited>(&backend, FullTransitive).await.unwrap();
    start::<with_note::Deposited>(&backend, FullTransitive).await.unwrap();
    for _ in 0..2 {
        assert_eq!(start::<first::Deposited>(&backend, FullTransitive).await.unwrap(), new(&[]));
        assert_eq!(start::<with_note::Deposited>(&backend, FullTransitive).await.unwrap(), new(&[]));
    }
}

#[tokio::test]
async fn an_older_program_starts_and_registers_nothing() {
    let backend = InMemoryBackend::new();
    start::<third::Deposited>(&backend, BackwardTransitive).await.unwrap();
    assert_eq!(start::<first::Deposited>(&backend, FullTransitive).await.unwrap(), new(&[]));
    assert_eq!(start::<with_note::Deposited>(&backend, BackwardTransitive).await.unwrap(), new(&[]));
}

#[tokio::test]
async fn an_earlier_version_is_read_by_what_the_fields_say() {
    let backend = InMemoryBackend::new();
    start::<first::Deposited>(&backend, BackwardTransitive).await.unwrap();
    assert_eq!(
        start::<second::Deposited>(&backend, BackwardTransitive).await.unwrap(),
        new(&[("Deposited", 2)])
    );
    assert_eq!(
        start::<third::Deposited>(&backend, BackwardTransitive).await.unwrap(),
        new(&[("Deposited", 3)])
    );
}

#[tokio::test]
async fn an_earlier_version_is_read_by_an_upcaster() {
    let typed = VersionRegistry::new()
        .upcaster(AutoUpcaster::<as_it_was::DepositedV1, text_second::Deposited>::new());
    let json =
        VersionRegistry::new().upcast_json(("Deposited", 1), ("Deposited", 2), |mut old: Value, _: &_| {
            old["amount"] = old["amount"].to_string().into();
            old
        });
    for versions in [typed, json] {
        let backend = InMemoryBackend::new();
        start::<first::Deposited>(&backend, BackwardTransitive).await.unwrap();
        let registered = start_with::<text_second::Deposited>(&backend, BackwardTransitive, versions).await;
        assert_eq!(registered.unwrap(), new(&[("Deposited", 2)]));
    }
}

#[tokio::test]
async fn a_version_that_nothing_reads_is_refused_with_its_name() {
    let store = EventStore::<text_second::Deposited, _>::with_backend(InMemoryBackend::new());
    let refused = store.with_schemas(SchemaCheck::default()).await.unwrap_err();
    assert!(matches!(refused, SchemaError::Versioning(_)), "{refused}");
    assert!(refused.to_string().contains("nothing reads `Deposited` version 1"));
}

#[tokio::test]
async fn a_history_that_is_not_what_was_stored_is_refused() {
    let backend = InMemoryBackend::new();
    start::<first::Deposited>(&backend, Backward).await.unwrap();
    assert_snapshot!(told(start::<forgetful::Deposited>(&backend, Backward).await), @r"
    schemas of events do not fit together
    - `Deposited` version 1 was stored in another form than its fields say:
      - `/amount` is written, and is no field of that version where it is read
      correct what #[added], #[renamed], #[removed] and #[converted] say of that version, or leave them out and give the registry an upcaster from it
    ");
}

/// What was stored under an earlier name is read by today's type as well.
#[tokio::test]
async fn a_name_that_is_only_read_counts() {
    let backend = InMemoryBackend::new();
    start::<first::Deposited>(&backend, Backward).await.unwrap();
    let refused = told(start::<renamed::Deposited>(&backend, Backward).await);
    assert!(refused.contains("`Deposited` version 1") && refused.contains("`/by` is required"), "{refused}");
}

#[tokio::test]
async fn forward_upcasters_are_of_no_help() {
    let backend = InMemoryBackend::new();
    start::<second::Deposited>(&backend, Forward).await.unwrap();
    assert_snapshot!(told(start::<third::Deposited>(&backend, Forward).await), @r"
    schemas of events do not fit together
    - `Deposited` version 3 is not read by programs of version 2:
      - `/currency` is required to read it, and was never written
      upcasters are of no help to an earlier program; keep writing what it reads, or give the event another name
    ");
}

#[tokio::test]
async fn forward_a_field_may_come_and_backward_it_may_not() {
    let started = async |mode| {
        let backend = InMemoryBackend::new();
        start::<first::Deposited>(&backend, mode).await.unwrap();
        start::<with_currency::Deposited>(&backend, mode).await.is_ok()
    };
    assert!(started(Forward).await);
    assert!(!started(Backward).await);
    assert!(!started(Full).await);
    assert!(started(None).await);
}

/// From the first to the second nothing breaks, and from the second to the third; from the first to the third it does.
#[tokio::test]
async fn only_a_transitive_mode_looks_at_all_that_there_was() {
    programs! {
        one { #[event(schema)] pub struct Deposited { #[serde(default)] pub amount: u8 } }
        two { #[event(schema)] pub struct Deposited {} }
        three { #[event(schema)] pub struct Deposited { #[serde(default)] pub amount: String } }
    }
    let started = async |mode: CompatibilityMode| {
        let backend = InMemoryBackend::new();
        start::<one::Deposited>(&backend, mode).await.unwrap();
        start::<two::Deposited>(&backend, mode).await.unwrap();
        start::<three::Deposited>(&backend, mode).await.is_ok()
    };
    assert!(started(Backward).await && started(Forward).await && started(Full).await);
    assert!(!started(BackwardTransitive).await && !started(ForwardTransitive).await);
    assert!(!started(FullTransitive).await);
}

#[tokio::test]
async fn a_mode_that_is_set_for_a_name_counts_whatever_programs_say() {
    let backend = InMemoryBackend::new();
    start::<first::Deposited>(&backend, Backward).await.unwrap();
    registry(&backend).set_compatibility("Deposited", None).await.unwrap();
    start::<with_currency::Deposited>(&backend, Backward).await.unwrap();
}

/// bincode knows fields by their order: JSON would read what is stored here.
#[cfg(feature = "bincode")]
#[tokio::test]
async fn a_store_of_bincode_takes_no_change_without_a_version() {
    use allframe_cqrs::PayloadCodec;
    let backend = InMemoryBackend::new();
    start::<first::Deposited>(&backend, Backward).await.unwrap();
    let store =
        EventStore::<with_note::Deposited, _>::with_backend(backend).with_codec(PayloadCodec::Bincode);
    let refused = store.check_schemas(SchemaCheck::new(Backward)).await;
    assert!(told(refused).contains("by their order"));
}

#[cfg(feature = "bincode")]
#[tokio::test]
async fn a_store_of_bincode_reads_an_earlier_version_as_nothing_but_what_it_was() {
    use allframe_cqrs::PayloadCodec;
    programs! {
        text { #[event(schema)] pub struct Deposited { pub amount: u64, pub by: String } }
        declared { #[event(schema, version = 2)] pub struct Deposited { pub amount: u64, pub by: String, #[added(version = 2)] pub note: String } }
        widened { #[event(schema, version = 2)] pub struct Deposited { pub amount: u64, pub by: Option<String>, #[added(version = 2)] pub note: String } }
    }
    let backend = InMemoryBackend::new();
    let first = EventStore::<text::Deposited, _>::with_backend(backend.clone());
    first.with_codec(PayloadCodec::Bincode).with_schemas(SchemaCheck::default()).await.unwrap();
    let store = EventStore::<widened::Deposited, _>::with_backend(backend.clone());
    let refused = store.with_codec(PayloadCodec::Bincode).check_schemas(SchemaCheck::new(Backward)).await;
    assert!(told(refused).contains("by their order"));
    let store = EventStore::<declared::Deposited, _>::with_backend(backend);
    store.with_codec(PayloadCodec::Bincode).check_schemas(SchemaCheck::new(Backward)).await.unwrap();
}

/// What it writes is not registered, so that no newer program would be told.
#[tokio::test]
async fn an_older_program_that_nobody_knows_writes_nothing_that_the_newer_cannot_read() {
    programs! {
        newer { #[event(schema, version = 2)] pub struct Deposited { pub amount: u64, #[added(version = 2)] pub note: String } }
        older { #[event(schema)] pub struct Deposited { pub amount: f64 } }
        fitting { #[event(schema)] pub struct Deposited { #[serde(default)] pub amount: u64 } }
    }
    let backend = InMemoryBackend::new();
    start::<newer::Deposited>(&backend, BackwardTransitive).await.unwrap();
    let refused = told(start::<older::Deposited>(&backend, BackwardTransitive).await);
    assert!(refused.contains("`/amount` is written as number and read as integer"), "{refused}");
    assert_eq!(start::<fitting::Deposited>(&backend, BackwardTransitive).await.unwrap(), []);
}

#[tokio::test]
async fn an_enum_is_checked_event_by_event() {
    programs! {
        before { #[event(schema)] pub enum Account { Opened { owner: String }, Closed } }
        after { #[event(schema)] pub enum Account { Opened { owner: String }, Closed { why: Option<String> }, Frozen } }
        broken { #[event(schema)] pub enum Account { Opened { owner: u8 }, Closed { why: String } } }
    }
    let backend = InMemoryBackend::new();
    start::<before::Account>(&backend, Full).await.unwrap();
    let registered = start::<after::Account>(&backend, Full).await.unwrap();
    assert_eq!(registered, new(&[("Closed", 1), ("Frozen", 1)]));
    let SchemaError::Incompatible(refused) = start::<broken::Account>(&backend, Full).await.unwrap_err()
    else {
        panic!()
    };
    let names: Vec<_> = refused.problems.iter().map(SchemaProblem::event_type).collect();
    assert_eq!(names, ["Opened", "Opened", "Closed"]);
}
