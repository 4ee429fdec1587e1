//! Names, tags, metadata, ids, modes, digests and URLs, as people and other programs write them.

use std::str::FromStr;

use allframe_cqrs::{SchemaName, migrate::Digest, schema::CompatibilityMode};
use eventstore_api::{
    AppendBatch, EventId, EventType, ExpectedVersion, Metadata, NewEvent, StreamId, Tag, Tags,
};

use crate::{
    input::Input,
    target::{Finding, Outcome, ensure, must},
};

/// The input: what it is (1 byte), then texts, each behind its length.
pub(crate) fn read(data: &[u8]) -> Result<Outcome, Finding> {
    let mut input = Input::new(data);
    match input.byte() % 9 {
        0 => stream(&input.text()),
        1 => event_type(input.text()),
        2 => tag(&input.text()),
        3 => tags(&mut input),
        4 => metadata(&mut input),
        5 => id(&input.text()),
        6 => mode(&input.text()),
        7 => digest(&input.text()),
        _ => schema_name(&input.text()),
    }
}

fn stream(text: &str) -> Result<Outcome, Finding> {
    let Ok(stream) = StreamId::new(text.to_owned()) else { return Ok(Outcome::Refused) };
    ensure(stream.as_str() == text && stream.to_string() == text, || format!("{text:?} is now {stream:?}"))?;
    let category = stream.category();
    ensure(text.starts_with(category) && !category.contains('-'), || format!("{text:?} is of {category:?}"))?;
    Ok(Outcome::Read)
}

fn event_type(text: String) -> Result<Outcome, Finding> {
    let Ok(event_type) = EventType::new(text.clone()) else { return Ok(Outcome::Refused) };
    ensure(event_type.as_str() == text, || format!("{text:?} is now {event_type:?}"))?;
    Ok(Outcome::Read)
}

fn tag(text: &str) -> Result<Outcome, Finding> {
    let Ok(tag) = Tag::new(text.to_owned()) else { return Ok(Outcome::Refused) };
    let (key, value) = (tag.key(), tag.value());
    ensure(tag.as_str() == text && format!("{key}:{value}") == text, || {
        format!("{text:?} is {key:?}, {value:?}")
    })?;
    let again = must("the same key and value", Tag::of(key, value))?;
    ensure(again == tag, || format!("{tag:?} of its key and value is {again:?}"))?;
    Ok(Outcome::Read)
}

fn tags(input: &mut Input<'_>) -> Result<Outcome, Finding> {
    let texts: Vec<String> =
        std::iter::from_fn(|| (!input.is_empty()).then(|| input.text())).take(80).collect();
    let Ok(tags) = Tags::parse(texts.clone()) else { return Ok(Outcome::Refused) };
    let sorted = tags.iter().zip(tags.iter().skip(1)).all(|(one, other)| one < other);
    ensure(sorted, || format!("{tags:?} are in no order"))?;
    let all = texts.iter().all(|text| tags.contains(text))
        && tags.iter().all(|tag| texts.iter().any(|it| tag.as_str() == it));
    ensure(all, || format!("{texts:?} are now {tags:?}"))?;
    let again = must("the same tags", Tags::new(tags.iter().cloned()))?;
    ensure(again == tags && tags.contains_all(&again), || format!("{tags:?} are now {again:?}"))?;
    Ok(Outcome::Read)
}

fn metadata(input: &mut Input<'_>) -> Result<Outcome, Finding> {
    let mut metadata = Metadata::new();
    let mut last = std::collections::BTreeMap::new();
    for _ in 0..80 {
        if input.is_empty() {
            break;
        }
        let (name, value) = (input.text(), input.text());
        metadata = metadata.with(name.clone(), value.clone());
        last.insert(name, value);
    }
    let held: Vec<(&str, &str)> = metadata.iter().collect();
    let expected: Vec<(&str, &str)> =
        last.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    ensure(held == expected, || format!("{expected:?} are now {held:?}"))?;
    // What is too much is refused where it is stored.
    let Ok(stream) = StreamId::new("a-1") else { return Ok(Outcome::Refused) };
    let Ok(event_type) = EventType::new("A") else { return Ok(Outcome::Refused) };
    let event = NewEvent::new(event_type, Vec::new()).with_metadata(metadata);
    let batch = AppendBatch::single(stream, ExpectedVersion::Any, vec![event]);
    Ok(if batch.validate().is_ok() { Outcome::Read } else { Outcome::Refused })
}

fn id(text: &str) -> Result<Outcome, Finding> {
    let Ok(id) = EventId::from_str(text) else { return Ok(Outcome::Refused) };
    let again = must("an id as it is shown", EventId::from_str(&id.to_string()))?;
    ensure(again == id, || format!("{id} is read again as {again}"))?;
    Ok(Outcome::Read)
}

fn mode(text: &str) -> Result<Outcome, Finding> {
    let Ok(mode) = CompatibilityMode::from_str(text) else { return Ok(Outcome::Refused) };
    let again = must("a mode as it is shown", CompatibilityMode::from_str(&mode.to_string()))?;
    ensure(again == mode, || format!("{mode} is read again as {again}"))?;
    Ok(Outcome::Read)
}

fn digest(text: &str) -> Result<Outcome, Finding> {
    let Ok(digest) = Digest::from_str(text) else { return Ok(Outcome::Refused) };
    ensure(digest.to_string() == text.to_ascii_lowercase(), || format!("{text:?} is now {digest}"))?;
    Ok(Outcome::Read)
}

/// What stands behind the URL of a database is a schema, or a part of the URL.
fn schema_name(text: &str) -> Result<Outcome, Finding> {
    let Ok((url, schema)) = SchemaName::behind(text) else { return Ok(Outcome::Refused) };
    let is_whole =
        if url == text { schema == SchemaName::default() } else { format!("{url}#{schema}") == text };
    ensure(is_whole, || format!("{text:?} is {url:?} and {schema}"))?;
    must("the name of a schema", SchemaName::new(schema.as_str()))?;
    let said = format!("{url}#{schema}");
    let again = must("a URL with its schema", SchemaName::behind(&said))?;
    ensure(again == (url, schema), || format!("{said:?} is read as {again:?}"))?;
    Ok(Outcome::Read)
}

pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let counted = |kind: u8, texts: &[&str]| {
        let mut seed = vec![kind];
        for text in texts {
            seed.push(u8::try_from(text.len()).unwrap_or(0));
            seed.extend(text.bytes());
        }
        seed
    };
    vec![
        ("stream", counted(0, &["account-7-ß"])),
        ("type", counted(1, &["Opened"])),
        ("tag", counted(2, &["account:7"])),
        ("tags", counted(3, &["b:2", "a:1", "a:1", "c:d:e"])),
        ("metadata", counted(4, &["correlation_id", "7", "user", "ann", "user", "bob"])),
        ("id", counted(5, &["01890a5d-ac96-774b-bcce-b302099a8057"])),
        ("mode", counted(6, &["FULL-transitive"])),
        ("digest", counted(7, &["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852B855"])),
        ("schema-name", counted(8, &["postgresql://app@localhost/app#billing"])),
        ("password-with-a-mark", counted(8, &["postgresql://app:a#b@localhost/app"])),
    ]
}
