//! The moment at which a large append is on the disk by half.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How far into it the write has come, in bytes: farther than nearly every other append reaches.
const INTO_IT: u64 = 128 << 10;
/// After which there was nothing to see, because it was written before anyone looked.
const GIVE_UP_AFTER: Duration = Duration::from_millis(50);

/// Returns as soon as something large is being written behind what the log holds now. Looks without a pause: the write
/// takes a millisecond.
pub(crate) fn await_it(directory: &Path) -> io::Result<()> {
    match look_for_it(directory) {
        // What was the newest segment a moment before may be archived: then it was written before anyone looked.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        seen => seen,
    }
}

fn look_for_it(directory: &Path) -> io::Result<()> {
    let begun = Instant::now();
    let Some(last) = newest_segment(directory)? else { return Ok(()) };
    let end = end_of_log(&last)?;
    while begun.elapsed() < GIVE_UP_AFTER {
        let Some(newest) = newest_segment(directory)? else { return Ok(()) };
        let offset = if newest == last { end + INTO_IT } else { INTO_IT };
        if is_written_at(&newest, offset)? {
            return Ok(());
        }
    }
    Ok(())
}

fn newest_segment(directory: &Path) -> io::Result<Option<PathBuf>> {
    let files = fs::read_dir(directory)?.map(|file| Ok(file?.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(files.into_iter().filter(|path| path.extension().is_some_and(|it| it == "wal")).max())
}

/// About where the log ends and the zeros begin, found in a few looks: to read it all takes longer than there is.
fn end_of_log(segment: &Path) -> io::Result<u64> {
    let (mut written, mut zeros) = (0, fs::metadata(segment)?.len());
    while zeros - written > 4 << 10 {
        let middle = written + (zeros - written) / 2;
        if is_written_at(segment, middle)? {
            written = middle;
        } else {
            zeros = middle;
        }
    }
    Ok(zeros)
}

/// Whether there is anything but the zeros that a segment is filled with before it is written.
fn is_written_at(segment: &Path, offset: u64) -> io::Result<bool> {
    let mut bytes = [0; 16];
    let mut file = File::open(segment)?;
    file.seek(SeekFrom::Start(offset))?;
    let read = file.read(&mut bytes)?;
    Ok(bytes.iter().take(read).any(|byte| *byte != 0))
}
