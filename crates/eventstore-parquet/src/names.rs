//! The names of events, from the bytes that a file has for them.

use eventstore_api::{EventType, StreamId, Tag, Tags};
use eventstore_codec::Names;

use crate::texts::Lists;

pub(crate) fn stream(names: &mut Names, name: &[u8]) -> Result<StreamId, String> {
    names.stream(text(name)?).map_err(|why| why.to_string())
}

pub(crate) fn event_type(names: &mut Names, name: &[u8]) -> Result<EventType, String> {
    names.event_type(text(name)?).map_err(|why| why.to_string())
}

/// The tags of a row.
pub(crate) fn tags(lists: &Lists, row: usize) -> Result<Tags, String> {
    let mut tags = Vec::new();
    for tag in lists.get(row) {
        tags.push(Tag::try_from(text(tag.ok_or("there is none")?)?).map_err(|why| why.to_string())?);
    }
    Tags::new(tags).map_err(|why| why.to_string())
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|why| why.to_string())
}
