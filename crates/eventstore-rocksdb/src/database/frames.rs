//! The frames of logs and manifests, looked at before RocksDB reads them.
//!
//! It takes a frame of a kind that it does not know, from 128 on, for one that may be passed over; where the length of such a one
//! leads beyond the end of the file, it looks for the rest for ever. None is ever written here.
//!
//! ```text
//! checksum  u32     a block of 32 KiB holds frames, each behind the other, and zeros where no frame fits
//! length    u16     little-endian
//! kind      u8
//! ```

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use eventstore_api::Result;

use crate::error::{corrupted, io_failed};

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;
/// From here on RocksDB passes over what it does not know.
const FIRST_UNKNOWN: u8 = 0x80;

/// Refuses a file in this directory that RocksDB would not come to the end of.
pub(super) fn check<'n>(directory: &Path, names: impl Iterator<Item = &'n String>) -> Result<()> {
    for name in names.filter(|name| name.ends_with(".log") || name.starts_with("MANIFEST-")) {
        let strange = File::open(directory.join(name)).and_then(first_unknown);
        match strange {
            Ok(None) => {}
            Ok(Some((kind, at))) => {
                return Err(corrupted(
                    directory,
                    format!("{name}, byte {at}: a frame is of the unknown kind {kind}"),
                ));
            }
            // Another process has taken it away meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_failed(directory)(error)),
        }
    }
    Ok(())
}

/// The first frame of an unknown kind, and where it is.
fn first_unknown(mut file: impl Read) -> io::Result<Option<(u8, u64)>> {
    let mut block = Vec::with_capacity(BLOCK);
    let mut before = 0;
    loop {
        block.clear();
        file.by_ref().take(BLOCK as u64).read_to_end(&mut block)?;
        if block.is_empty() {
            return Ok(None);
        }
        if let Some((kind, at)) = first_unknown_in(&block) {
            return Ok(Some((kind, before + at as u64)));
        }
        before += block.len() as u64;
    }
}

fn first_unknown_in(block: &[u8]) -> Option<(u8, usize)> {
    let mut at = 0;
    while let Some(&[_, _, _, _, low, high, kind]) = block.get(at..).and_then(<[u8]>::first_chunk::<HEADER>) {
        if kind >= FIRST_UNKNOWN {
            return Some((kind, at));
        }
        let length = usize::from(u16::from_le_bytes([low, high]));
        if kind == 0 && length == 0 {
            return None;
        }
        at += HEADER + length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, length: u16) -> Vec<u8> {
        let mut frame = vec![1, 2, 3, 4];
        frame.extend_from_slice(&length.to_le_bytes());
        frame.push(kind);
        frame.resize(HEADER + usize::from(length), b'x');
        frame
    }

    #[test]
    fn a_frame_of_an_unknown_kind_is_found_in_any_block() {
        let full = frame(1, u16::try_from(BLOCK - HEADER).unwrap());
        let strange = [0x7c, 0x5a, 0x5c, 0xc9, 0x67, 0x00, 0x83];
        let found = |parts: &[&[u8]]| first_unknown(&*parts.concat()).unwrap();
        assert_eq!(found(&[&strange]), Some((0x83, 0)));
        assert_eq!(found(&[&frame(1, 9), &frame(4, 0), &strange]), Some((0x83, 23)));
        assert_eq!(found(&[&full, &frame(2, 5), &strange]), Some((0x83, BLOCK as u64 + 12)));
    }

    #[test]
    fn what_is_cut_off_or_filled_with_zeros_is_left_to_rocksdb() {
        let none = |parts: &[&[u8]]| first_unknown(&*parts.concat()).unwrap().is_none();
        assert!(none(&[]) && none(&[&frame(1, 9)]) && none(&[&frame(1, 9)[..9]]));
        assert!(none(&[&frame(1, 9), &[0; 100], &[0x83; 100]]));
        assert!(none(&[&frame(1, 9), &[1, 2, 3, 0, 0, 0]]));
    }
}
