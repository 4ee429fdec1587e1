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
pub(crate) fn await_it(directory: &Path, log_ending: &str) -> io::Result<()> {
    match look_for_it(directory, log_ending) {
        // What was the newest file of the log a moment before may be gone: then it was written before anyone looked.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        seen => seen,
    }
}

fn look_for_it(directory: &Path, ending: &str) -> io::Result<()> {
    let begun = Instant::now();
    let Some(last) = newest(directory, ending)? else { return Ok(()) };
    let end = end_of_log(&last)?;
    while begun.elapsed() < GIVE_UP_AFTER {
        let Some(newest) = newest(directory, ending)? else { return Ok(()) };
        let offset = if newest == last { end + INTO_IT } else { INTO_IT };
        if is_written_at(&newest, offset)? {
            return Ok(());
        }
    }
    Ok(())
}

fn newest(directory: &Path, ending: &str) -> io::Result<Option<PathBuf>> {
    let files = fs::read_dir(directory)?.map(|file| Ok(file?.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(files.into_iter().filter(|path| path.extension().is_some_and(|it| it == ending)).max())
}

/// About where the log ends and the zeros begin, found in a few looks: to read it all takes longer than there is.
fn end_of_log(file: &Path) -> io::Result<u64> {
    let (mut written, mut zeros) = (0, fs::metadata(file)?.len());
    while zeros - written > 4 << 10 {
        let middle = written + (zeros - written) / 2;
        if is_written_at(file, middle)? {
            written = middle;
        } else {
            zeros = middle;
        }
    }
    Ok(zeros)
}

/// Whether there is anything but the zeros that a file may be filled with before it is written.
fn is_written_at(file: &Path, offset: u64) -> io::Result<bool> {
    let mut bytes = [0; 16];
    let mut file = File::open(file)?;
    file.seek(SeekFrom::Start(offset))?;
    let read = file.read(&mut bytes)?;
    Ok(bytes.iter().take(read).any(|byte| *byte != 0))
}
