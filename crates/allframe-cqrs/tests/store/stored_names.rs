//! Under which name an event is stored, what its payload holds, and that renaming in the code orphans nothing.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fmt::Debug;

use allframe_cqrs::{Event, EventStore, EventStoreBackend, EventTypeName, InMemoryBackend, StreamId, event};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Stores one event, and gives back the name and the JSON under which the backend has it.
async fn stored<E: Event>(event: E) -> (String, String) {
    let store = EventStore::new();
    store.append("stream", vec![event]).await.unwrap();
    let record = store.backend().get_events(&StreamId::new("stream").unwrap()).await.unwrap().remove(0);
    (record.event_type.to_string(), String::from_utf8(record.payload.to_vec()).unwrap())
}

/// What events of one type become when they are stored, and read as another.
async fn reread<Old: Event, New: Event>(events: Vec<Old>) -> allframe_cqrs::Result<Vec<New>> {
    let backend = InMemoryBackend::new();
    EventStore::with_backend(backend.clone()).append("stream", events).await?;
    EventStore::with_backend(backend).get_events("stream").await
}

async fn assert_round_trips<E: Event + PartialEq + Debug>(events: Vec<E>) {
    assert_eq!(reread::<E, E>(events.clone()).await.unwrap(), events);
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(u32),
    Tuple(i8, String),
    EmptyTuple(),
    Struct { wide: i64, text: Option<String> },
    EmptyStruct {},
}

#[tokio::test]
async fn a_variant_is_stored_under_its_own_name_with_only_its_content() {
    for (event, name, json) in [
        (Shape::Unit, "Unit", "{}"),
        (Shape::Newtype(7), "Newtype", "7"),
        (Shape::Tuple(-1, "ann".into()), "Tuple", r#"[-1,"ann"]"#),
        (Shape::EmptyTuple(), "EmptyTuple", "[]"),
        (Shape::Struct { wide: 5, text: None }, "Struct", r#"{"wide":5,"text":null}"#),
        (Shape::EmptyStruct {}, "EmptyStruct", "{}"),
    ] {
        assert_eq!(stored(event).await, (name.to_owned(), json.to_owned()));
    }
}

#[tokio::test]
async fn every_shape_of_variant_comes_back_as_it_was() {
    assert_round_trips(vec![
        Shape::Unit,
        Shape::Newtype(u32::MAX),
        Shape::Tuple(i8::MIN, String::new()),
        Shape::EmptyTuple(),
        Shape::Struct { wide: i64::MIN, text: Some("\u{1f680} \" \\".into()) },
        Shape::EmptyStruct {},
    ])
    .await;
}

mod before {
    use super::*;

    #[event]
    #[derive(Clone, Serialize, Deserialize)]
    pub(crate) enum AccountEvent {
        Opened { owner: String },
        PaidIn(u64),
        Closed,
    }
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum RenamedByNow {
    #[event(rename = "Closed")]
    Shut,
    #[event(aliases("PaidIn"))]
    Deposited(u64),
    #[event(rename = "Opened")]
    AccountOpened { owner: String },
}

#[tokio::test]
async fn renaming_the_type_and_its_variants_and_reordering_them_orphans_no_stored_event() {
    let old = vec![
        before::AccountEvent::Opened { owner: "ann".into() },
        before::AccountEvent::PaidIn(40),
        before::AccountEvent::Closed,
    ];
    let expected = [
        RenamedByNow::AccountOpened { owner: "ann".into() },
        RenamedByNow::Deposited(40),
        RenamedByNow::Shut,
    ];
    assert_eq!(reread::<_, RenamedByNow>(old).await.unwrap(), expected);
}

#[tokio::test]
async fn a_variant_with_an_alias_is_stored_under_its_new_name() {
    assert_eq!(stored(RenamedByNow::Deposited(1)).await.0, "Deposited");
    assert_eq!(stored(RenamedByNow::Shut).await.0, "Closed");
}

#[tokio::test]
async fn events_stored_under_an_alias_are_found_among_all_events() {
    let backend = InMemoryBackend::new();
    EventStore::with_backend(backend.clone())
        .append("account-1", vec![before::AccountEvent::PaidIn(1)])
        .await
        .unwrap();
    let store = EventStore::with_backend(backend);
    store.append("account-1", vec![RenamedByNow::Deposited(2)]).await.unwrap();
    let all = store.get_all_events().await.unwrap();
    assert_eq!(all, [RenamedByNow::Deposited(1), RenamedByNow::Deposited(2)]);
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum WithoutTheOldNames {
    Deposited(u64),
}

#[tokio::test]
async fn without_an_alias_the_old_name_is_an_error_that_names_it() {
    let error = reread::<_, WithoutTheOldNames>(vec![before::AccountEvent::PaidIn(1)]).await.unwrap_err();
    let message = String::from(error);
    assert!(message.contains("`PaidIn`") && message.contains("stored as Deposited"), "{message}");
}

#[event(rename = "Ticked", aliases("Tick"))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ClockTicked {
    at: u64,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Tick {
    at: u64,
}

#[tokio::test]
async fn a_struct_is_one_kind_of_event_and_can_be_renamed() {
    assert_eq!(stored(ClockTicked { at: 3 }).await, ("Ticked".to_owned(), r#"{"at":3}"#.to_owned()));
    assert_eq!(ClockTicked::event_type_name(), "Ticked");
    assert_eq!(reread::<_, ClockTicked>(vec![Tick { at: 4 }]).await.unwrap(), [ClockTicked { at: 4 }]);
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Heartbeat;

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Measured(f64, u8);

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Renumbered(u64);

#[tokio::test]
async fn structs_of_every_shape_are_stored_as_serde_sees_them() {
    assert_eq!(stored(Heartbeat).await, ("Heartbeat".to_owned(), "null".to_owned()));
    assert_eq!(stored(Measured(0.5, 1)).await, ("Measured".to_owned(), "[0.5,1]".to_owned()));
    assert_eq!(stored(Renumbered(9)).await, ("Renumbered".to_owned(), "9".to_owned()));
    assert_round_trips(vec![Heartbeat]).await;
    assert_round_trips(vec![Measured(0.1, 2)]).await;
    assert_round_trips(vec![Renumbered(u64::MAX)]).await;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Colour {
    Red,
    Rgb(u8, u8, u8),
    Named { name: String },
}

fn colours() -> [Colour; 3] {
    [Colour::Red, Colour::Rgb(1, 2, 3), Colour::Named { name: "teal".into() }]
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Painted(Colour);

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Repainted {
    colour: Colour,
}

#[tokio::test]
async fn a_struct_whose_serde_form_is_an_enum_keeps_which_variant_it_is() {
    assert_round_trips(colours().map(Painted).to_vec()).await;
    assert_round_trips(colours().map(|colour| Repainted { colour }).to_vec()).await;
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Wall {
    Primed,
    Painted(Colour),
    Tiled(Option<Colour>),
}

#[tokio::test]
async fn an_enum_inside_a_variant_keeps_which_variant_it_is() {
    assert_eq!(stored(Wall::Painted(Colour::Red)).await, ("Painted".to_owned(), r#""Red""#.to_owned()));
    let mut events = vec![Wall::Primed, Wall::Tiled(None)];
    events.extend(colours().map(Wall::Painted));
    events.extend(colours().map(|colour| Wall::Tiled(Some(colour))));
    assert_round_trips(events).await;
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Changed<T: Clone + Debug + Send + Sync + 'static> {
    From(T),
    To { value: T },
}

#[tokio::test]
async fn generic_events_are_stored_under_the_names_of_their_variants() {
    assert_eq!(stored(Changed::To { value: 5_u8 }).await, ("To".to_owned(), r#"{"value":5}"#.to_owned()));
    assert_round_trips(vec![Changed::From("a".to_owned()), Changed::To { value: "b".to_owned() }]).await;
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped<T> {
    inner: Vec<T>,
}

#[tokio::test]
async fn a_generic_event_needs_no_bounds_beyond_those_of_its_derives() {
    assert_eq!(stored(Wrapped { inner: vec![1_u8] }).await.0, "Wrapped");
    assert_round_trips(vec![Wrapped { inner: colours().to_vec() }]).await;
}

/// Written by hand, without the macro: the type as a whole is one kind of event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum ByHand {
    Created { name: String },
    Deleted,
}

impl EventTypeName for ByHand {}
impl Event for ByHand {}

#[tokio::test]
async fn an_event_declared_by_hand_is_stored_whole_under_the_name_of_its_type() {
    let created = ByHand::Created { name: "ann".into() };
    assert_eq!(stored(created.clone()).await, ("ByHand".into(), r#"{"Created":{"name":"ann"}}"#.into()));
    assert_eq!(stored(ByHand::Deleted).await, ("ByHand".into(), r#""Deleted""#.into()));
    assert_round_trips(vec![created, ByHand::Deleted]).await;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum ByAnotherHand {
    Created { name: String },
    Deleted,
}

impl EventTypeName for ByAnotherHand {
    fn event_type_name() -> &'static str {
        "ByHand"
    }
}
impl Event for ByAnotherHand {}

#[tokio::test]
async fn overriding_the_name_by_hand_reads_what_was_stored_before_the_type_was_renamed() {
    let old = vec![ByHand::Created { name: "ann".into() }, ByHand::Deleted];
    let expected = [ByAnotherHand::Created { name: "ann".into() }, ByAnotherHand::Deleted];
    assert_eq!(reread::<_, ByAnotherHand>(old).await.unwrap(), expected);
}

#[tokio::test]
async fn the_derives_may_stand_above_the_macro_as_well_as_below() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[event]
    enum Above {
        #[event(rename = "Began")]
        Started {
            #[tag]
            run: u32,
        },
    }
    assert_eq!(stored(Above::Started { run: 1 }).await, ("Began".to_owned(), r#"{"run":1}"#.to_owned()));
    assert_round_trips(vec![Above::Started { run: 2 }]).await;
}

#[tokio::test]
async fn raw_identifiers_are_stored_without_their_prefix() {
    #[event]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[expect(non_camel_case_types, reason = "a keyword is what the test is about")]
    enum Keyword {
        r#move { r#type: u8 },
    }
    assert_eq!(stored(Keyword::r#move { r#type: 1 }).await, ("move".to_owned(), r#"{"type":1}"#.to_owned()));
}

fn _a_generic_event_is_an_event_where_its_content_fits<T>() -> impl Event
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    Wrapped::<T> { inner: Vec::new() }
}
