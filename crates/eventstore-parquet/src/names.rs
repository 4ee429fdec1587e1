//! The names of events, made once where they repeat.

use eventstore_api::{EventType, StreamId, Tags};
use eventstore_codec::{DecodeError, Names};

use crate::texts::Lists;

/// What makes names of the bytes that a file has for them.
pub(crate) trait EventNames {
    fn stream(&mut self, name: &[u8]) -> Result<StreamId, String>;
    fn event_type(&mut self, name: &[u8]) -> Result<EventType, String>;
    fn tags(&mut self, lists: &Lists, row: usize) -> Result<Tags, String>;
}

impl EventNames for Names {
    fn stream(&mut self, name: &[u8]) -> Result<StreamId, String> {
        said(text(name).map(|name| self.stream(name))?)
    }

    fn event_type(&mut self, name: &[u8]) -> Result<EventType, String> {
        said(text(name).map(|name| self.event_type(name))?)
    }

    fn tags(&mut self, lists: &Lists, row: usize) -> Result<Tags, String> {
        let mut tags = lists.get(row).map(|tag| text(tag.ok_or("there is none")?)).peekable();
        if tags.peek().is_none() {
            return Ok(Tags::NONE);
        }
        let tags = tags.map(|tag| tag.map(ToOwned::to_owned)).collect::<Result<Vec<_>, _>>()?;
        Tags::parse(tags).map_err(|why| why.to_string())
    }
}

/// For a read of row after row: many have the name of the one before.
#[derive(Debug, Default)]
pub(crate) struct RunningNames {
    names: Names,
    stream: Option<StreamId>,
    event_type: Option<EventType>,
}

impl EventNames for RunningNames {
    fn stream(&mut self, name: &[u8]) -> Result<StreamId, String> {
        match &self.stream {
            Some(last) if last.as_str().as_bytes() == name => Ok(last.clone()),
            _ => {
                let stream = EventNames::stream(&mut self.names, name)?;
                Ok(self.stream.insert(stream).clone())
            }
        }
    }

    fn event_type(&mut self, name: &[u8]) -> Result<EventType, String> {
        match &self.event_type {
            Some(last) if last.as_str().as_bytes() == name => Ok(last.clone()),
            _ => {
                let event_type = EventNames::event_type(&mut self.names, name)?;
                Ok(self.event_type.insert(event_type).clone())
            }
        }
    }

    fn tags(&mut self, lists: &Lists, row: usize) -> Result<Tags, String> {
        self.names.tags(lists, row)
    }
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|why| why.to_string())
}

fn said<T>(name: Result<T, DecodeError>) -> Result<T, String> {
    name.map_err(|why| why.to_string())
}
