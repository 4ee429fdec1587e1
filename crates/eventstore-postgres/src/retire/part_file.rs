use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter},
    path::{Path, PathBuf},
};

use eventstore_api::{RecordedEvent, Result, StoreError};
use eventstore_parquet::{ParquetError, ParquetOptions, ParquetReader, ParquetWriter};

/// A Parquet file that is being written, aside from its place. What waits for the disk waits on a thread for that.
pub(super) struct PartFile {
    writer: ParquetWriter<BufWriter<File>>,
    place: PathBuf,
    aside: PathBuf,
}

impl PartFile {
    pub(super) async fn create(place: PathBuf) -> Result<Self> {
        waiting(move || {
            let mut aside = place.clone().into_os_string();
            aside.push(".new");
            let aside = PathBuf::from(aside);
            let file = File::create(&aside).map_err(failed("create", &aside))?;
            let writer = ParquetWriter::new(BufWriter::new(file), ParquetOptions::default());
            Ok(Self { writer: writer.map_err(|error| of(error, &aside))?, place, aside })
        })
        .await
    }

    pub(super) async fn write(mut self, events: Vec<RecordedEvent>) -> Result<Self> {
        waiting(move || {
            for event in events {
                self.writer.write(event).map_err(|error| of(error, &self.aside))?;
            }
            Ok(self)
        })
        .await
    }

    /// Makes it durable, reads it back, and puts it in its place.
    pub(super) async fn finish(self, events: u64) -> Result<PathBuf> {
        waiting(move || {
            let Self { writer, place, aside } = self;
            let (output, written) = writer.finish().map_err(|error| of(error, &aside))?;
            let file = output.into_inner().map_err(|error| failed("write", &aside)(error.into_error()))?;
            file.sync_all().map_err(failed("sync", &aside))?;
            drop(file);
            read_back(&aside, events, written.events_checksum)?;
            fs::rename(&aside, &place).map_err(failed("rename", &aside))?;
            sync_directory(&place)?;
            Ok(place)
        })
        .await
    }
}

/// That the file holds what was written to it.
fn read_back(path: &Path, events: u64, events_checksum: u32) -> Result<()> {
    let file = File::open(path).map_err(failed("open", path))?;
    let mut reader = ParquetReader::open(BufReader::new(file)).map_err(|error| of(error, path))?;
    reader.verify().map_err(|error| of(error, path))?;
    let found = reader.summary();
    if (found.events, found.events_checksum) == (events, events_checksum) {
        return Ok(());
    }
    let detail = format!("{} events were written, and {} are there", events, found.events);
    Err(StoreError::Corrupted { place: path.display().to_string(), detail })
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

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let message = format!("cannot {what} {}", path.display());
    move |source| StoreError::storage(io::Error::new(source.kind(), format!("{message}: {source}")))
}

async fn waiting<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(StoreError::storage)?
}
