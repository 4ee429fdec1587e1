//! An event as it was stored, and as what it is read, as the text of a file.

use std::{fmt::Write as _, hash::Hasher as _};

use bytes::Bytes;
use eventstore_api::{Encoding, EventType, Metadata, NewEvent, RecordedEvent, StreamId, Tag, Tags};

use super::reader::first_event;

const STORED: &str = "--- stored";
const READ_AS: &str = "--- read as";

/// An event as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) event_type: EventType,
    pub(super) schema_version: u32,
    pub(super) encoding: Encoding,
    pub(super) stream: StreamId,
    pub(super) metadata: Metadata,
    pub(super) tags: Tags,
    pub(super) payload: Bytes,
}

impl Sample {
    pub(super) fn new(stream: StreamId, event: NewEvent) -> Self {
        let NewEvent { event_type, schema_version, encoding, payload, metadata, tags, .. } = event;
        Self { event_type, schema_version, encoding, stream, metadata, tags, payload }
    }

    /// As the store would give it back.
    pub(super) fn record(&self) -> RecordedEvent {
        let event = NewEvent::new(self.event_type.clone(), self.payload.clone())
            .with_schema_version(self.schema_version)
            .with_encoding(self.encoding)
            .with_metadata(self.metadata.clone())
            .with_tags(self.tags.clone());
        first_event(self.stream.clone(), event)
    }

    /// Whether both were stored in the same form, whatever is kept beside.
    pub(super) fn is_stored_like(&self, other: &Self) -> bool {
        self.event_type == other.event_type
            && self.schema_version == other.schema_version
            && self.encoding == other.encoding
            && self.payload == other.payload
    }

    /// The payload in one line: JSON as it is, anything else in hexadecimal.
    pub(super) fn payload_line(&self) -> String {
        let text = std::str::from_utf8(&self.payload).ok();
        let line = text.filter(|text| {
            self.encoding == Encoding::JSON && !(text.contains(['\n', '\r']) || text.starts_with("hex:"))
        });
        match line {
            Some(line) => line.to_owned(),
            None => self.payload.iter().fold("hex:".to_owned(), |mut line, byte| {
                let _ = write!(line, "{byte:02x}");
                line
            }),
        }
    }

    fn head(&self) -> String {
        let Self { event_type, schema_version, encoding, stream, metadata, tags, .. } = self;
        let mut head = format!("event_type: {event_type}\nschema_version: {schema_version}\n");
        let _ = writeln!(head, "encoding: {encoding}");
        let _ = writeln!(head, "stream: {stream}");
        if !metadata.is_empty() {
            let entries: serde_json::Map<_, _> =
                metadata.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
            let _ = writeln!(head, "metadata: {}", serde_json::Value::Object(entries));
        }
        if !tags.is_empty() {
            let tags: Vec<_> = tags.iter().map(Tag::as_str).collect();
            let _ = writeln!(head, "tags: {}", serde_json::json!(tags));
        }
        head
    }

    fn checksum(&self) -> String {
        let mut hasher = fnv::FnvHasher::default();
        hasher.write(self.head().as_bytes());
        hasher.write(self.payload_line().as_bytes());
        format!("{:016x}", hasher.finish())
    }
}

/// A sample in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SampleText {
    pub(super) sample: Sample,
    /// A line for every event of today that it is read as.
    pub(super) read_as: Vec<String>,
}

impl SampleText {
    pub(super) fn render(&self) -> String {
        let Self { sample, read_as } = self;
        let (head, checksum, payload) = (sample.head(), sample.checksum(), sample.payload_line());
        let mut text = format!("{head}checksum: {checksum}\n{STORED}\n{payload}\n{READ_AS}\n");
        for line in read_as {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// The sample that the text of a file holds, or what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let mut head = Head::default();
        for line in lines.by_ref() {
            if line == STORED {
                let payload = lines.next().ok_or("it ends before the payload")?;
                if lines.next() != Some(READ_AS) {
                    return Err(format!("there is no line `{READ_AS}` behind the payload"));
                }
                let read_as = lines.map(str::to_owned).collect();
                return Ok(Self { sample: head.sample(payload)?, read_as });
            }
            head.take(line)?;
        }
        Err(format!("there is no line `{STORED}`"))
    }
}

/// The lines before the payload, as they were found.
#[derive(Default)]
struct Head<'a> {
    event_type: Option<&'a str>,
    schema_version: Option<&'a str>,
    encoding: Option<&'a str>,
    stream: Option<&'a str>,
    metadata: Option<&'a str>,
    tags: Option<&'a str>,
    checksum: Option<&'a str>,
}

impl<'a> Head<'a> {
    fn take(&mut self, line: &'a str) -> Result<(), String> {
        let (name, value) = line.split_once(": ").ok_or_else(|| format!("nobody knows the line `{line}`"))?;
        let place = match name {
            "event_type" => &mut self.event_type,
            "schema_version" => &mut self.schema_version,
            "encoding" => &mut self.encoding,
            "stream" => &mut self.stream,
            "metadata" => &mut self.metadata,
            "tags" => &mut self.tags,
            "checksum" => &mut self.checksum,
            _ => return Err(format!("nobody knows the line `{line}`")),
        };
        match place.replace(value) {
            None => Ok(()),
            Some(_) => Err(format!("`{name}` is there twice")),
        }
    }

    fn sample(self, payload: &str) -> Result<Sample, String> {
        let missing = |name| move || format!("there is no line `{name}`");
        let sample = Sample {
            event_type: parsed(self.event_type.ok_or_else(missing("event_type"))?, |text| {
                EventType::new(text.to_owned())
            })?,
            schema_version: parsed(self.schema_version.ok_or_else(missing("schema_version"))?, str::parse)?,
            encoding: encoding(self.encoding.ok_or_else(missing("encoding"))?)?,
            stream: parsed(self.stream.ok_or_else(missing("stream"))?, |text| {
                StreamId::new(text.to_owned())
            })?,
            metadata: self.metadata.map_or(Ok(Metadata::new()), metadata)?,
            tags: self.tags.map_or(Ok(Tags::NONE), tags)?,
            payload: payload_of(payload)?,
        };
        let stated = self.checksum.ok_or_else(missing("checksum"))?;
        match stated == sample.checksum() {
            true => Ok(sample),
            false => {
                Err("what was stored has been changed since: the checksum is of something else".to_owned())
            }
        }
    }
}

fn parsed<T, E: std::fmt::Display>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, String> {
    parse(text).map_err(|error| format!("`{text}`: {error}"))
}

/// The encoding that displays so.
fn encoding(text: &str) -> Result<Encoding, String> {
    let mut all = (0..=u8::MAX).map(Encoding::new);
    all.find(|encoding| encoding.to_string() == text).ok_or_else(|| format!("there is no encoding `{text}`"))
}

fn metadata(text: &str) -> Result<Metadata, String> {
    let entries: std::collections::BTreeMap<String, String> =
        parsed(text, |text| serde_json::from_str(text))?;
    let entries = entries.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Metadata::from_stored(entries).map_err(|error| error.to_string())
}

fn tags(text: &str) -> Result<Tags, String> {
    let tags: Vec<String> = parsed(text, |text| serde_json::from_str(text))?;
    let tags: Result<Vec<_>, _> = tags.into_iter().map(Tag::new).collect();
    let tags = tags.and_then(Tags::new);
    tags.map_err(|error| error.to_string())
}

fn payload_of(line: &str) -> Result<Bytes, String> {
    let Some(hexadecimal) = line.strip_prefix("hex:") else { return Ok(line.as_bytes().to_vec().into()) };
    let digits: Option<Vec<_>> = hexadecimal.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.ok_or("the payload is not hexadecimal")?;
    let bytes: Option<Vec<u8>> = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high * 16 + low).ok(),
            _ => None,
        })
        .collect();
    Ok(bytes.ok_or("the payload has half a byte")?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(encoding: Encoding, payload: &'static [u8]) -> Sample {
        let event = NewEvent::new(EventType::new("Opened").unwrap(), payload)
            .with_schema_version(3)
            .with_encoding(encoding)
            .with_metadata(Metadata::new().with("user", "ann\nlee"))
            .with_tags(Tags::new([Tag::new("account:7").unwrap()]).unwrap());
        Sample::new(StreamId::new("account-7").unwrap(), event)
    }

    #[test]
    fn what_is_written_is_read_again() {
        for sample in [
            sample(Encoding::JSON, br#"{"owner":"ann"}"#),
            sample(Encoding::JSON, b"{\n}"),
            sample(Encoding::JSON, b"hex:"),
            sample(Encoding::BINCODE, &[0, 0x0a, 0xff]),
            sample(Encoding::new(200), b""),
        ] {
            let text = SampleText { sample, read_as: vec!["Opened 3 {}".to_owned()] };
            assert_eq!(SampleText::parse(&text.render()), Ok(text));
        }
    }

    #[test]
    fn a_text_that_was_changed_is_told_from_one_that_was_not() {
        let text = SampleText { sample: sample(Encoding::JSON, br#"{"owner":"ann"}"#), read_as: vec![] };
        let text = text.render();
        for (from, to) in
            [("ann\"}", "bob\"}"), ("version: 3", "version: 2"), ("lee", "lea"), ("json\n", "binary\n")]
        {
            assert!(text.contains(from), "{from}");
            let error = SampleText::parse(&text.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains("changed since"), "{error}");
        }
        // Line ends are the repository's business.
        assert!(SampleText::parse(&text.replace('\n', "\r\n")).is_ok());
    }

    #[test]
    fn a_text_that_is_no_sample_says_what_is_missing() {
        for text in [
            "",
            "event_type: Opened\n",
            "who: me\n",
            "--- stored\n",
            "--- stored\n{}\n",
            "event_type: A\nevent_type: A\n",
        ] {
            assert!(SampleText::parse(text).is_err(), "{text}");
        }
        let text = SampleText { sample: sample(Encoding::JSON, b"{}"), read_as: vec![] }.render();
        for end in 0..text.trim_end().len() {
            assert!(SampleText::parse(&text[..end]).is_err(), "{end}");
        }
    }
}
