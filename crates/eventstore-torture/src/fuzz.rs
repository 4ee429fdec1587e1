//! Any bytes at all: in place of a frame, of a directory, of a part of a store. Whoever calls gives bytes that a fuzzer
//! made, `fuzz/` in the root of the repository or the test `fuzz`, which goes through the same corpus.
//!
//! Whatever is there, the engine answers or refuses: it does not panic, does not loop, asks the disk for no more than there
//! is, and where no checksum was forged, or what was forged is looked through before it is believed, what it shows is
//! dense. Errors of [`Violation`] are the findings.

mod exercise;
mod forge;
mod input;
mod looked_at;
mod measured;
mod mutations;
mod store;

use bytes::Bytes;
use eventstore_wal::log::{FramePlace, read_frame};

use self::{
    exercise::{Answers, exercise},
    forge::{Files, Fit, STORE, forge, forge_frame, name_of},
    input::Input,
    looked_at::look_at,
    mutations::mutate,
    store::{Ending, valid},
};
use crate::violation::{Violation, ensure};

/// How far an input came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// It was refused.
    Refused,
    /// It was opened, or was a frame.
    Opened,
    /// It was opened, used, closed and opened again.
    Reopened,
}

/// Reads frames, as long as one follows the other.
///
/// The input: an option byte (bit 0: the checksums are forged), the segment (1 byte), the offset in it (2 bytes, in units
/// of 8 bytes), then what stands there.
///
/// # Errors
///
/// What the engine did wrong.
pub fn frame(data: &[u8]) -> Result<Reached, Violation> {
    let mut input = Input::new(data);
    let (options, segment) = (input.byte(), u64::from(input.byte()) + 1);
    let mut offset = input.short() as u64 * 8;
    let mut bytes = input.rest().to_vec();
    let mut reached = Reached::Refused;
    loop {
        if options & 1 == 1 {
            forge_frame(&mut bytes, segment, offset);
        }
        let place = FramePlace { store: STORE, segment, offset };
        let Ok(frame) = read_frame(&Bytes::from(bytes.clone()), place) else {
            return Ok(reached);
        };
        reached = Reached::Opened;
        let dense = frame.events.iter().zip(frame.events.iter().skip(1));
        for (event, next) in dense {
            ensure(event.position.get() + 1 == next.position.get(), || "positions are not dense".to_owned())?;
            ensure(event.stream != next.stream || event.version.next() == next.version, || {
                format!("versions of stream {} are not dense", event.stream)
            })?;
        }
        let length = usize::try_from(frame.bytes).unwrap_or(usize::MAX);
        ensure(frame.bytes > 0, || "a frame without a length".to_owned())?;
        offset += frame.bytes;
        bytes.drain(..length.min(bytes.len()));
    }
}

/// Opens a directory of whatever files.
///
/// The input: an option byte (bit 0: what is checked is forged, bit 1: frames are left where they claim to be), then files:
/// which one (1 byte), how long (2 bytes), what is in it.
///
/// # Errors
///
/// What the engine did wrong.
pub fn arbitrary_directory(data: &[u8]) -> Result<Reached, Violation> {
    let mut input = Input::new(data);
    let options = input.byte();
    let mut files = Files::new();
    while !input.is_empty() && files.len() < MOST_FILES {
        let name = file_name(input.byte());
        let length = input.short();
        files.insert(name, input.bytes(length).to_vec());
    }
    forge_and_exercise(files, options)
}

/// Opens a store that was valid before its files were changed.
///
/// The input: an option byte (as of [`arbitrary_directory`], and bits 2 to 4: which store), then changes.
///
/// # Errors
///
/// What the engine did wrong.
pub fn mutated_directory(data: &[u8]) -> Result<Reached, Violation> {
    let mut input = Input::new(data);
    let options = input.byte();
    let mut files = valid(Ending::of(options >> 2 & 7)).clone();
    mutate(&mut files, &mut input);
    forge_and_exercise(files, options)
}

/// Looks at a store that was valid before its files were changed: reads it beside a writer that is not there, verifies it, and saves
/// what is whole.
///
/// The input: that of [`mutated_directory`].
///
/// # Errors
///
/// What the engine did wrong.
pub fn looked_at_directory(data: &[u8]) -> Result<Reached, Violation> {
    let mut input = Input::new(data);
    let options = input.byte();
    let mut files = valid(Ending::of(options >> 2 & 7)).clone();
    mutate(&mut files, &mut input);
    if let Some(fit) = fit(options) {
        forge(&mut files, fit);
    }
    look_at(&files)
}

/// Inputs to begin with, as (target, name, input): the valid stores as [`arbitrary_directory`] and [`frame`] take them.
#[must_use]
pub fn seeds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let small = valid(Ending::Small);
    let rolled = valid(Ending::Marked);
    let frames: Vec<u8> = small.get(&name_of(1, ".wal")).into_iter().flatten().skip(64).copied().collect();
    vec![
        ("frame", "frames", [&[0, 0, 8, 0], frames.as_slice()].concat()),
        ("frame", "forged-frames", [&[1, 9, 9, 0], frames.as_slice()].concat()),
        ("arbitrary_directory", "nothing", vec![0]),
        ("arbitrary_directory", "closed", directory(0, small)),
        ("arbitrary_directory", "forged", directory(1, small)),
        ("arbitrary_directory", "forged-out-of-line", directory(3, small)),
        ("arbitrary_directory", "killed", directory(1, rolled)),
        ("mutated_directory", "small", vec![0]),
        ("mutated_directory", "closed", vec![4]),
        ("mutated_directory", "marked", vec![8]),
        ("mutated_directory", "killed", vec![12]),
        ("mutated_directory", "archived", vec![16]),
        ("mutated_directory", "archived-forged", vec![17]),
        ("looked_at_directory", "small", vec![0]),
        ("looked_at_directory", "closed", vec![4]),
        ("looked_at_directory", "marked", vec![8]),
        ("looked_at_directory", "killed", vec![12]),
        ("looked_at_directory", "archived", vec![16]),
        ("looked_at_directory", "archived-forged", vec![17]),
    ]
}

const MOST_FILES: usize = 12;

fn file_name(which: u8) -> String {
    let fixed = ["MANIFEST", "SYNCED", "snapshots.log", "next.segment", "MANIFEST.new", "snapshots.log.new"];
    match fixed.get(usize::from(which)) {
        Some(name) => (*name).to_owned(),
        None => name_of(u64::from(which / 2) - 2, if which.is_multiple_of(2) { ".wal" } else { ".idx" }),
    }
}

/// The input of [`arbitrary_directory`] that stands for these files, as far as their names can be said.
fn directory(options: u8, files: &Files) -> Vec<u8> {
    let mut input = vec![options];
    for which in 0..=u8::MAX {
        let Some(bytes) = files.get(&file_name(which)) else { continue };
        // The zeros behind it are prepared room.
        let length = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let length = length.next_multiple_of(64).min(bytes.len());
        input.push(which);
        input.extend(u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
        input.extend(bytes.iter().take(length));
    }
    input
}

/// How far what is checked is forged, if it is.
fn fit(options: u8) -> Option<Fit> {
    (options & 1 == 1).then_some(if options & 2 == 0 { Fit::Line } else { Fit::Checksums })
}

fn forge_and_exercise(mut files: Files, options: u8) -> Result<Reached, Violation> {
    let Some(fit) = fit(options) else { return exercise(&files, Answers::Right) };
    forge(&mut files, fit);
    // An index with the right checksum is believed, and so is a segment that has one.
    let is_believed = files.keys().any(|name| name.ends_with(".idx"));
    exercise(&files, if is_believed { Answers::Any } else { Answers::Right })
}
