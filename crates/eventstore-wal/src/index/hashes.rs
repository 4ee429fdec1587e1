use crc32fast::Hasher;
use eventstore_api::{EventId, StreamId};

/// How this store hashes what its indexes look for: CRC-32 over the bytes, continued from the CRC-32 of the store's id.
///
/// The same on every machine and in every version, because sidecars are kept. Equal hashes are expected, and settled by
/// whoever looks: a caller who chooses his ids can make them equal at will, which costs time, not truth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hashes {
    seed: u32,
    #[cfg(test)]
    mask: u32,
}

/// What cannot be in a name: it ends the stream where an id follows.
const END_OF_NAME: u8 = 0xff;

impl Hashes {
    pub(super) fn new(store_id: &[u8; 16]) -> Self {
        Self {
            seed: crc32fast::hash(store_id),
            #[cfg(test)]
            mask: u32::MAX,
        }
    }

    /// Hashes of which only some bits count, so that tests meet equal ones.
    #[cfg(test)]
    pub(super) fn masked(store_id: &[u8; 16], mask: u32) -> Self {
        Self { mask, ..Self::new(store_id) }
    }

    /// Of the name of a stream, a tag or an event type.
    pub(super) fn name(self, name: &str) -> u32 {
        self.finish(self.after(name))
    }

    /// Of the ids of a stream's events.
    pub(super) fn ids_of(self, stream: &StreamId) -> StreamIdHashes {
        let mut after_stream = self.after(stream.as_str());
        after_stream.update(&[END_OF_NAME]);
        StreamIdHashes { hashes: self, after_stream }
    }

    fn after(self, name: &str) -> Hasher {
        let mut hasher = Hasher::new_with_initial(self.seed);
        hasher.update(name.as_bytes());
        hasher
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "under test, there is a mask")]
    fn finish(self, hasher: Hasher) -> u32 {
        hasher.finalize()
    }

    #[cfg(test)]
    fn finish(self, hasher: Hasher) -> u32 {
        hasher.finalize() & self.mask
    }
}

/// Hashes the ids of one stream's events, having hashed the stream once.
pub(super) struct StreamIdHashes {
    hashes: Hashes,
    after_stream: Hasher,
}

impl StreamIdHashes {
    pub(super) fn id(&self, id: EventId) -> u32 {
        let mut hasher = self.after_stream.clone();
        hasher.update(id.as_bytes());
        self.hashes.finish(hasher)
    }
}

#[cfg(test)]
mod tests {
    use eventstore_api::{EventId, StreamId};

    use super::Hashes;

    #[test]
    fn hashes_never_change_because_sidecars_hold_them() {
        let hashes = Hashes::new(&[7; 16]);
        let stream = StreamId::new("flight-UA1545").unwrap();
        let id: EventId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();

        let mut whole = [7; 16].to_vec();
        whole.extend_from_slice(b"flight-UA1545");
        assert_eq!(hashes.name(stream.as_str()), crc32fast::hash(&whole));
        whole.push(0xff);
        whole.extend_from_slice(id.as_bytes());
        assert_eq!(hashes.ids_of(&stream).id(id), crc32fast::hash(&whole));
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    }
}
