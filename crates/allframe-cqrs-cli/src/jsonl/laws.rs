//! What holds of every line, and of every event: whatever somebody has written into a file, it is an event or refused, and what is
//! exported comes back.

use eventstore_api::{
    Encoding, EventType, GlobalPosition, Metadata, NewEvent, Placement, RecordedEvent, StreamId, Tags,
    Timestamp, Version,
};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::{base64, event_of, json_text, line_of};

/// Values of JSON, with all that text can have in it.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Into::into),
            vec((".{0,6}", inner), 0..4)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// JSON or not, under whatever encoding.
fn payloads() -> impl Strategy<Value = (Encoding, Vec<u8>)> {
    let of_json = json().prop_map(|value| (Encoding::JSON, value.to_string().into_bytes()));
    let of_bytes = (any::<u8>().prop_map(Encoding::new), vec(any::<u8>(), 0..40));
    prop_oneof![of_json, of_bytes]
}

fn events() -> impl Strategy<Value = RecordedEvent> {
    let names = ("[a-zß -]{1,12}", "[A-Za-z.]{1,12}");
    let extras =
        (vec(("[a-z_]{1,6}", "[^\0]{0,8}"), 0..3), vec("[a-z]{1,4}:[a-z0-9:ü]{1,6}", 0..3), any::<u32>());
    (names, payloads(), extras, any::<i64>()).prop_filter_map(
        "what no store takes",
        |(names, payload, extras, micros)| {
            let ((stream, event_type), (metadata, tags, schema_version)) = (names, extras);
            let event = NewEvent::new(EventType::new(event_type).ok()?, payload.1)
                .with_encoding(payload.0)
                .with_schema_version(schema_version)
                .with_metadata(metadata.into_iter().collect::<Metadata>())
                .with_tags(Tags::parse(tags).ok()?);
            Some(event.record(Placement {
                stream: StreamId::new(stream).ok()?,
                version: Version::new(1),
                position: GlobalPosition::new(1),
                recorded_at: Timestamp::from_micros(micros),
            }))
        },
    )
}

proptest! {
    #[test]
    fn an_event_is_the_same_behind_its_line(event in events()) {
        let line = line_of(&event).unwrap();
        prop_assert!(!line.contains(&b'\n'));
        let (stream, read) = event_of(&line).unwrap();
        prop_assert_eq!(&stream, &event.stream);
        prop_assert!(event.same_content(&read), "{:?} {:?}", event, read);
    }

    #[test]
    fn any_bytes_are_an_event_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let _ = event_of(&bytes).map_err(|refused| refused.to_string());
    }

    #[test]
    fn a_line_that_was_changed_is_an_event_or_refused(
        event in events(),
        changes in vec((any::<Index>(), any::<u8>()), 1..6),
        end in any::<Index>(),
    ) {
        let mut line = line_of(&event).unwrap();
        for (at, byte) in changes {
            let at = at.index(line.len());
            line[at] = byte;
        }
        let _ = event_of(&line).map_err(|refused| refused.to_string());
        line.truncate(end.index(line.len()));
        let _ = event_of(&line).map_err(|refused| refused.to_string());
    }

    #[test]
    fn json_is_the_same_in_every_layout(value in json()) {
        let text = value.to_string();
        prop_assert_eq!(json_text::parse(text.as_bytes()), Some(text.as_str()));
        prop_assert_eq!(&json_text::compact(&text), &text);
        let (pretty, _) = json_text::pretty(&text, usize::MAX);
        prop_assert!(json_text::parse(pretty.as_bytes()).is_some(), "{}", pretty);
        prop_assert_eq!(&json_text::compact(&pretty), &text);
    }

    /// It is asked of payloads that are no JSON, too.
    #[test]
    fn any_text_has_a_layout(text in ".{0,40}") {
        let _ = (json_text::compact(&text), json_text::pretty(&text, 3));
    }

    #[test]
    fn base64_has_one_text_for_bytes_and_bytes_for_one_text_alone(bytes in vec(any::<u8>(), 0..40), text in "[A-Za-z0-9+/=]{0,12}|.{0,8}") {
        prop_assert_eq!(base64::decode(&base64::encode(&bytes)), Some(bytes));
        if let Some(decoded) = base64::decode(&text) {
            prop_assert_eq!(base64::encode(&decoded), text);
        }
    }
}
