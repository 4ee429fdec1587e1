use std::{
    fs::{File, Metadata, Permissions},
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use eventstore_api::RecordedEvent;
use serde::Serialize;
use tempfile::{Builder, NamedTempFile};

use crate::{failure::Failure, jsonl::line_of, screen::printable_json};

/// Where a command writes to.
pub(crate) struct Output {
    writer: BufWriter<Destination>,
    name: String,
    is_unread: Arc<AtomicBool>,
}

enum Destination {
    /// Standard output, or a file that cannot be replaced: a pipe, a device.
    Direct { writer: Box<dyn Write>, is_terminal: bool },
    /// A file that takes another's place, or its own, once it is complete.
    Aside { file: NamedTempFile, place: PathBuf },
}

impl Output {
    pub(crate) fn stdout() -> Self {
        Self::new(Destination::direct(io::stdout()), "standard output".to_owned())
    }

    /// The file at this path; `-` is standard output.
    pub(crate) fn to(path: &Path) -> Result<Self, Failure> {
        if is_stdout(path) {
            return Ok(Self::stdout());
        }
        let name = path.display().to_string();
        match open(path) {
            Ok(destination) => Ok(Self::new(destination, name)),
            Err(source) => Err(Failure::open(name, source)),
        }
    }

    fn new(destination: Destination, name: String) -> Self {
        Self { writer: BufWriter::with_capacity(64 << 10, destination), name, is_unread: Arc::default() }
    }

    /// What is told once nobody reads what is written: libraries that write here make another error of it.
    #[cfg(feature = "parquet")]
    pub(crate) fn is_unread(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_unread)
    }

    /// What to call it in messages.
    #[cfg(feature = "parquet")]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is seen as it is written.
    #[cfg(feature = "parquet")]
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self.writer.get_ref(), Destination::Direct { is_terminal: true, .. })
    }

    /// The file beside the place of the one that was asked for, as long as it is not complete.
    pub(crate) fn file_aside(&self) -> Option<&Path> {
        match self.writer.get_ref() {
            Destination::Direct { .. } => None,
            Destination::Aside { file, .. } => Some(file.path()),
        }
    }

    fn noted<T>(&self, written: io::Result<T>) -> io::Result<T> {
        if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.is_unread.store(true, Ordering::Relaxed);
        }
        written
    }

    pub(crate) fn line(&mut self, line: impl AsRef<[u8]>) -> Result<(), Failure> {
        let written = self.writer.write_all(line.as_ref()).and_then(|()| self.writer.write_all(b"\n"));
        written.map_err(|error| self.failure(error))
    }

    pub(crate) fn lines(&mut self, lines: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<(), Failure> {
        lines.into_iter().try_for_each(|line| self.line(line))
    }

    /// One line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(value).map_err(|error| self.failure(error.into()))?;
        self.line(printable_json(&line).as_bytes())
    }

    /// An event as export writes it.
    pub(crate) fn event(&mut self, event: &RecordedEvent) -> Result<(), Failure> {
        let line = line_of(event).map_err(|error| self.failure(error.into()))?;
        let seen = self.seen(line);
        self.line(seen)
    }

    /// What is to be seen of a line of JSON. No program looks for what a terminal would obey, and an export has millions of lines.
    fn seen(&self, json: Vec<u8>) -> Vec<u8> {
        match self.writer.get_ref() {
            Destination::Direct { is_terminal: true, .. } => {
                printable_json(&String::from_utf8_lossy(&json)).into_owned().into_bytes()
            }
            _ => json,
        }
    }

    /// Lets everything written so far be seen.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.writer.flush().map_err(|error| self.failure(error))
    }

    /// Puts a file in its place.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        Self::flush(&mut self)?;
        let Self { writer, name, .. } = self;
        let done = match writer.into_inner() {
            Ok(Destination::Direct { .. }) => Ok(()),
            Ok(Destination::Aside { file, place }) => put_in_place(file, &place),
            Err(error) => Err(error.into_error()),
        };
        done.map_err(|source| Failure::Write { what: name, source })
    }

    fn failure(&self, error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::NobodyReads,
            _ => Failure::Write { what: self.name.clone(), source: error },
        }
    }
}

impl Destination {
    fn direct(writer: impl Write + IsTerminal + 'static) -> Self {
        let is_terminal = writer.is_terminal();
        Self::Direct { writer: Box::new(writer), is_terminal }
    }
}

/// Whether what is written to this path is seen where progress would be shown.
pub(crate) fn is_seen_on_a_terminal(path: &Path) -> bool {
    is_stdout(path) && io::stdout().is_terminal()
}

/// To open `/dev/stdout` would truncate a file that output is appended to, and does not work on a socket.
pub(crate) fn is_stdout(path: &Path) -> bool {
    path == Path::new("-") || path == Path::new("/dev/stdout")
}

/// Whether what is written to this path is beside its place until it is complete.
pub(crate) fn is_written_aside(path: &Path) -> bool {
    !is_stdout(path) && replaceable(path).is_some()
}

/// The folder, as it is really named, in which a file is made or replaced by what is written to this path.
pub(crate) fn folder_of(path: &Path) -> Option<PathBuf> {
    if is_stdout(path) {
        return None;
    }
    let (place, _) = replaceable(path)?;
    directory_of(&place).canonicalize().ok()
}

fn open(path: &Path) -> io::Result<Destination> {
    match replaceable(path) {
        Some((place, existing)) => aside(place, existing),
        None => Ok(Destination::direct(File::create(path)?)),
    }
}

/// Where the file is, or is to be, that this path names, and what may be done with the one that is there; `None` where there is
/// something else than a file.
fn replaceable(path: &Path) -> Option<(PathBuf, Option<Permissions>)> {
    // Whoever has opened it looks into that file, and not at one in its place.
    let is_open_already =
        ["/dev/fd", "/dev/stderr", "/proc"].iter().any(|descriptors| path.starts_with(descriptors));
    if is_open_already {
        return None;
    }
    match path.symlink_metadata() {
        // A link stays, and the file that it leads to is replaced, or made.
        Ok(_) => {
            let place = match path.canonicalize() {
                Ok(place) => place,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let to = path.read_link().ok()?;
                    return replaceable(&path.parent().unwrap_or(Path::new("")).join(to));
                }
                Err(_) => return None,
            };
            let existing = place.metadata().ok().filter(Metadata::is_file)?;
            Some((place, Some(existing.permissions())))
        }
        Err(error) => (error.kind() == io::ErrorKind::NotFound).then(|| (path.to_owned(), None)),
    }
}

fn aside(place: PathBuf, existing: Option<Permissions>) -> io::Result<Destination> {
    let directory = directory_of(&place);
    // The error of the file aside would name a file that users do not know of.
    directory.metadata()?;
    let mut builder = Builder::new();
    builder.prefix(".eventstore-export-");
    // As a new file has them, less what the user's mask takes away. Without this it is for its owner alone.
    #[cfg(unix)]
    if existing.is_none() {
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    let file = builder.tempfile_in(directory).map_err(|error| error.kind())?;
    if let Some(existing) = existing {
        file.as_file().set_permissions(existing)?;
    }
    Ok(Destination::Aside { file, place })
}

fn put_in_place(file: NamedTempFile, place: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(place)?;
    sync_directory(directory_of(place))
}

fn directory_of(place: &Path) -> &Path {
    match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Until then, what was in the place before may be there again after a power failure.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    let directory = match File::open(directory) {
        Ok(directory) => directory,
        // Whoever may write there and not look cannot sync either; the file is in its place all the same.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
        Err(error) => return Err(error),
    };
    match directory.sync_all() {
        // So says a file system whose directories cannot be synced, as that of shared folders; the file is in its place there, too.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

/// Windows makes names durable by itself, and a directory cannot be opened as a file.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// For what is no text, and made elsewhere.
impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.writer.flush();
        self.noted(flushed)
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Direct { writer, .. } => writer.write(bytes),
            // Past the path of the file, which users do not know of, and which would be in its errors.
            Self::Aside { file, .. } => file.as_file_mut().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Direct { writer, .. } => writer.flush(),
            Self::Aside { file, .. } => file.as_file_mut().flush(),
        }
    }
}

#[cfg(test)]
#[cfg(feature = "parquet")]
impl Output {
    /// One that shows nothing.
    pub(crate) fn on_a_terminal() -> Self {
        let terminal = Destination::Direct { writer: Box::new(io::sink()), is_terminal: true };
        Self::new(terminal, "a terminal".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_commands_no_terminal_and_is_given_to_programs_as_it_is() {
        let event = "{\"data\":\"\u{9b}2J\"}";
        for (is_terminal, seen) in [(true, r#"{"data":"\u009b2J"}"#), (false, event)] {
            let to = Destination::Direct { writer: Box::new(io::sink()), is_terminal };
            let output = Output::new(to, "a sink".to_owned());
            assert_eq!(output.seen(event.into()), seen.as_bytes());
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_directory_that_cannot_be_synced_is_no_failure() {
        // It is of a file system that has no such thing.
        let directory = Path::new("/proc");
        let refused = File::open(directory).unwrap().sync_all().unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        sync_directory(directory).unwrap();
    }
}
