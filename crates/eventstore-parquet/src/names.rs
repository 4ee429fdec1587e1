//! The names of events, from the bytes that a file has for them.

use eventstore_api::{EventType, StreamId, Tags};
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
    let mut tags = lists.get(row).map(|tag| text(tag.ok_or("there is none")?)).peekable();
    if tags.peek().is_none() {
        return Ok(Tags::NONE);
    }
    let tags = tags.map(|tag| tag.map(ToOwned::to_owned)).collect::<Result<Vec<_>, _>>()?;
    Tags::parse(tags).map_err(|why| why.to_string())
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|why| why.to_string())
}
