//! What becomes of a valid store: bytes are changed, files cut off, copied and gone, as an input decides.

use super::{
    forge::{Files, name_of},
    input::Input,
};

/// More than this is no store any more that one would know.
const MOST_CHANGES: usize = 32;
/// Nothing grows beyond it, in bytes.
const LONGEST: usize = 64 << 10;

/// Changes these files as the input says.
pub(super) fn mutate(files: &mut Files, input: &mut Input<'_>) {
    for _ in 0..MOST_CHANGES {
        if input.is_empty() {
            break;
        }
        change(files, input);
    }
}

fn change(files: &mut Files, input: &mut Input<'_>) {
    let (what, which) = (input.byte(), input.byte());
    let Some(name) = files.keys().nth(usize::from(which) % files.len().max(1)).cloned() else { return };
    let Some(bytes) = files.get_mut(&name) else { return };
    let at = input.short() % (bytes.len() + 1);
    match what % 10 {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= input.byte().max(1);
            }
        }
        1 => bytes.truncate(at),
        2 => overwrite(bytes, at, &interesting(input.byte())),
        3 => {
            let length = usize::from(input.byte());
            let new = input.bytes(length).to_vec();
            overwrite(bytes, at, &new);
        }
        4 => {
            let (from, length) = (input.short() % (bytes.len() + 1), input.short());
            let block: Vec<u8> = bytes.iter().skip(from).take(length).copied().collect();
            overwrite(bytes, at, &block);
        }
        5 => swap(bytes, at, input.short(), input.short()),
        6 => {
            let length = input.short();
            bytes.iter_mut().skip(at).take(length).for_each(|byte| *byte = 0);
        }
        7 => {
            let longer = (bytes.len() + input.short()).min(LONGEST);
            bytes.resize(longer, 0);
        }
        8 => {
            files.remove(&name);
        }
        _ => {
            let copy = bytes.clone();
            let to = input.byte();
            let other = match to % 4 {
                0 => name_of(u64::from(to / 4) + 1, ".wal"),
                1 => name_of(u64::from(to / 4) + 1, ".idx"),
                2 => "next.segment".to_owned(),
                _ => files.keys().nth(usize::from(to / 4) % files.len()).cloned().unwrap_or_default(),
            };
            files.insert(other, copy);
        }
    }
}

/// Numbers at which arithmetic ends.
fn interesting(which: u8) -> Vec<u8> {
    let number = match which % 8 {
        0 => 0,
        1 => 1,
        2 => u64::MAX,
        3 => u64::MAX - 1,
        4 => u32::MAX.into(),
        5 => 1 << 31,
        6 => 1 << 63,
        _ => 128 << 20,
    };
    let width = [8, 4, 2, 1].into_iter().cycle().nth(usize::from(which / 8)).unwrap_or(8);
    number.to_le_bytes().into_iter().take(width).collect()
}

fn overwrite(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    let end = (at + new.len()).min(LONGEST);
    bytes.resize(bytes.len().max(end), 0);
    for (to, from) in bytes.iter_mut().skip(at).zip(new) {
        *to = *from;
    }
}

/// Swaps two blocks of a file, as far as they do not lie over each other.
fn swap(bytes: &mut [u8], one: usize, other: usize, length: usize) {
    let other = other % (bytes.len() + 1);
    let (first, second) = (one.min(other), one.max(other));
    if let Some((before, after)) = bytes.split_at_mut_checked(second) {
        let ones = before.iter_mut().skip(first);
        ones.zip(after).take(length).for_each(|(one, other)| std::mem::swap(one, other));
    }
}
