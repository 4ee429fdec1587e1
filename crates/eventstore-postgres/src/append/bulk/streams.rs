use std::collections::HashMap;

use eventstore_api::StreamId;

/// Streams as they are known, each in a slot of its own: it is looked up by its name once, and by its slot from then on.
#[derive(Debug, Default)]
pub(super) struct Streams {
    slots: HashMap<StreamId, Slot>,
    streams: Vec<Stream>,
}

/// Where a stream is among those that are known. It stays there as long as they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(usize);

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

    /// The slot of a stream, and whether it got it only now: then it is new, as far as anybody can say.
    pub(super) fn slot_of(&mut self, stream: &StreamId) -> (Slot, bool) {
        // Mostly it is known, and its name is not copied then.
        if let Some(slot) = self.slots.get(stream) {
            return (*slot, false);
        }
        let slot = Slot(self.streams.len());
        self.slots.insert(stream.clone(), slot);
        self.streams.push(Stream::NEW);
        (slot, true)
    }

    pub(super) fn named(&mut self, name: &str) -> Option<&mut Stream> {
        self.slots.get(name).and_then(|slot| self.streams.get_mut(slot.0))
    }

    /// The stream in a slot of these.
    pub(super) fn at(&self, slot: Slot) -> Stream {
        debug_assert!(slot.0 < self.streams.len(), "{slot:?} is of others");
        self.streams.get(slot.0).copied().unwrap_or(Stream::NEW)
    }

    /// The stream in a slot of these has so many events more.
    pub(super) fn grow(&mut self, slot: Slot, events: u64) {
        debug_assert!(slot.0 < self.streams.len(), "{slot:?} is of others");
        if let Some(stream) = self.streams.get_mut(slot.0) {
            stream.version += events;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_keeps_its_slot() {
        let [a, b] = ["a", "b"].map(|name| StreamId::new(name).unwrap());
        let mut streams = Streams::default();
        let found = [&a, &b, &a].map(|stream| streams.slot_of(stream));
        assert_eq!(found, [(Slot(0), true), (Slot(1), true), (Slot(0), false)]);
        *streams.named("b").unwrap() = Stream { id: Some(7), version: 3 };
        streams.grow(Slot(1), 2);
        assert_eq!([Slot(0), Slot(1)].map(|slot| streams.at(slot).version), [0, 5]);
        assert_eq!((streams.at(Slot(1)).id, streams.len()), (Some(7), 2));
        assert!(streams.named("c").is_none());
    }
}
