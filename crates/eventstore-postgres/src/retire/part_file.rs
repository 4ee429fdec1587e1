use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter},
    path::{Path, PathBuf},
};

use eventstore_api::{RecordedEvent, Result, StoreError};
use eventstore_parquet::{ParquetError, ParquetOptions, ParquetReader, ParquetWriter};
use uuid::Uuid;

/// A Parquet file that is being written, aside from its place. What waits for the disk waits on a thread for that.
pub(super) struct PartFile {
    writer: ParquetWriter<BufWriter<File>>,
    place: PathBuf,
    aside: Aside,
}

/// A file that nobody needs by this name, however it ends.
struct Aside(PathBuf);

impl Drop for Aside {
    fn drop(&mut self) {
        // In its place it has another name.
        let _ = fs::remove_file(&self.0);
    }
}

impl PartFile {
    pub(super) async fn create(directory: &Path, name: String) -> Result<Self> {
        let place = directory.join(&name);
        // Nobody else's, though two retire the same partition.
        let aside = Aside(directory.join(format!("{name}.{}.new", Uuid::now_v7().simple())));
        waiting(move || {
            let file = File::create_new(&aside.0).map_err(failed("create", &aside.0))?;
            let writer = ParquetWriter::new(BufWriter::new(file), ParquetOptions::default());
            Ok(Self { writer: writer.map_err(|error| of(error, &aside.0))?, place, aside })
        })
        .await
    }

    pub(super) async fn write(mut self, events: Vec<RecordedEvent>) -> Result<Self> {
        waiting(move || {
            for event in events {
                self.writer.write(event).map_err(|error| of(error, &self.aside.0))?;
            }
            Ok(self)
        })
        .await
    }

    /// Makes it durable, reads it back, and puts it in its place.
    pub(super) async fn finish(self, events: u64) -> Result<PathBuf> {
        waiting(move || {
            let Self { writer, place, aside: guard } = self;
            let aside = guard.0.as_path();
            let (output, written) = writer.finish().map_err(|error| of(error, aside))?;
            let file = output.into_inner().map_err(|error| failed("write", aside)(error.into_error()))?;
            file.sync_all().map_err(failed("sync", aside))?;
            drop(file);
            let written = Contents { events, checksum: written.events_checksum };
            let found = Contents::of(aside)?;
            if found != written {
                let detail =
                    format!("{} events were written, and {} are there", written.events, found.events);
                return Err(StoreError::Corrupted { place: aside.display().to_string(), detail });
            }
            // A second name, and no renaming, which would replace what is there. The first one goes at the end.
            match fs::hard_link(aside, &place) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if Contents::of(&place)? != written {
                        let other = io::Error::new(error.kind(), "a file with other events is there");
                        return Err(failed("write", &place)(other));
                    }
                }
                linked => linked.map_err(failed("link", aside))?,
            }
            sync_directory(&place)?;
            Ok(place)
        })
        .await
    }
}

/// What a file holds, as far as it takes to tell it from another.
#[derive(PartialEq, Eq)]
struct Contents {
    events: u64,
    checksum: u32,
}

impl Contents {
    /// Read from the file, every event of it.
    fn of(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(failed("open", path))?;
        let mut reader = ParquetReader::open(BufReader::new(file)).map_err(|error| of(error, path))?;
        reader.verify().map_err(|error| of(error, path))?;
        let summary = reader.summary();
        Ok(Self { events: summary.events, checksum: summary.events_checksum })
    }
}

/// A new name is durable when its directory is.
fn sync_directory(place: &Path) -> Result<()> {
    let directory = place.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) {
        File::open(directory).and_then(|it| it.sync_all()).map_err(failed("sync", directory))?;
    }
    Ok(())
}

fn of(error: ParquetError, path: &Path) -> StoreError {
    error.of(path.display().to_string())
}

pub(super) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let message = format!("cannot {what} {}", path.display());
    move |source| StoreError::storage(io::Error::new(source.kind(), format!("{message}: {source}")))
}

async fn waiting<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(StoreError::storage)?
}
