//! Where records begin in the files that RocksDB appends to, its log and its manifest: blocks of 32 KiB, in each record a
//! checksum (4 bytes), a length (2), a kind (1), and so many bytes.

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;
const LENGTH_AT: usize = 4;

/// Where the records of such a file begin.
pub(crate) fn records(bytes: &[u8]) -> Vec<usize> {
    let (mut offsets, mut at) = (Vec::new(), 0);
    while at + HEADER <= bytes.len() {
        let left = BLOCK - at % BLOCK;
        if left < HEADER {
            at += left;
            continue;
        }
        let length = u16::from_le_bytes([bytes[at + LENGTH_AT], bytes[at + LENGTH_AT + 1]]);
        let kind = bytes[at + HEADER - 1];
        if kind == 0 {
            break;
        }
        offsets.push(at);
        at += HEADER + usize::from(length);
    }
    offsets
}

/// Where the upper byte of a record's length is, for the record that begins here.
pub(crate) fn length(record: usize) -> usize {
    record + LENGTH_AT + 1
}
