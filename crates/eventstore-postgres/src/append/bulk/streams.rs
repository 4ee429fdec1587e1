use std::collections::HashMap;

use eventstore_api::StreamId;

/// Streams as they are known, each in a place of its own: it is looked up by its name once, and by its place from then on.
#[derive(Debug, Default)]
pub(super) struct Streams {
    places: HashMap<StreamId, usize>,
    streams: Vec<Stream>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    /// The server's number of it; none where it has none yet.
    pub(super) id: Option<i64>,
    pub(super) version: u64,
}

impl Stream {
    const NEW: Self = Self { id: None, version: 0 };
}

impl Streams {
    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    /// The place of a stream: one behind all others where it was not known, and is new as far as anybody can say.
    pub(super) fn place_of(&mut self, stream: &StreamId) -> usize {
        // Mostly it is known, and its name is not copied then.
        if let Some(place) = self.places.get(stream) {
            return *place;
        }
        let place = self.streams.len();
        self.places.insert(stream.clone(), place);
        self.streams.push(Stream::NEW);
        place
    }

    pub(super) fn named(&mut self, name: &str) -> Option<&mut Stream> {
        self.places.get(name).and_then(|place| self.streams.get_mut(*place))
    }

    /// The stream in a place: a new one where there is none.
    pub(super) fn at(&self, place: usize) -> Stream {
        self.streams.get(place).copied().unwrap_or(Stream::NEW)
    }

    /// The stream in this place has so many events more.
    pub(super) fn grow(&mut self, place: usize, events: u64) {
        if let Some(stream) = self.streams.get_mut(place) {
            stream.version += events;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_keeps_its_place() {
        let [a, b] = ["a", "b"].map(|name| StreamId::new(name).unwrap());
        let mut streams = Streams::default();
        assert_eq!([&a, &b, &a].map(|stream| streams.place_of(stream)), [0, 1, 0]);
        *streams.named("b").unwrap() = Stream { id: Some(7), version: 3 };
        streams.grow(1, 2);
        assert_eq!([0, 1, 2].map(|place| streams.at(place).version), [0, 5, 0]);
        assert_eq!((streams.at(1).id, streams.len()), (Some(7), 2));
        assert!(streams.named("c").is_none());
    }
}
