use std::{
    fs::{File, Metadata},
    io::{self, Read},
    path::Path,
};

#[cfg(feature = "parquet")]
use super::rows;
use crate::{failure::Failure, progress::Progress};

/// What is imported.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) content: Content,
    /// How much it is, where that is known: not of what comes through a pipe.
    pub(super) bytes: Option<u64>,
}

pub(super) enum Content {
    Lines(Box<dyn Read + Send>),
    #[cfg(feature = "parquet")]
    Rows(File),
}

impl Content {
    fn of(file: File, metadata: &Metadata) -> io::Result<Self> {
        #[cfg(feature = "parquet")]
        if metadata.is_file() {
            let mut file = file;
            return Ok(match rows::is_parquet(&mut file)? {
                true => Self::Rows(file),
                false => Self::Lines(Box::new(file)),
            });
        }
        let _ = metadata;
        Ok(Self::Lines(Box::new(file)))
    }
}

impl Source {
    /// The file at this path; `-` is standard input.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            let content = Content::Lines(Box::new(io::stdin()));
            return Ok(Self { name: "standard input".to_owned(), content, bytes: None });
        }
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| {
            let metadata = file.metadata()?;
            // Elsewhere that opens, and fails at the first read.
            if metadata.is_dir() {
                Err(io::ErrorKind::IsADirectory.into())
            } else {
                let bytes = Some(metadata.len()).filter(|bytes| *bytes > 0);
                Ok((Content::of(file, &metadata)?, bytes))
            }
        });
        match opened {
            Ok((content, bytes)) => Ok(Self { name, content, bytes }),
            Err(error) => Err(Failure::open(name, error)),
        }
    }

    /// Of how much of it is read.
    pub(super) fn progress(&self) -> Progress {
        Progress::of_bytes(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown of a source of which so many bytes are read.
    fn shown(path: &Path, read: u64) -> Option<(u64, Option<u64>)> {
        let mut progress = Source::open(path).unwrap().progress().late();
        progress.at(read);
        progress.shown()
    }

    #[test]
    fn of_what_comes_through_a_pipe_is_counted_what_has_come() {
        assert_eq!(shown(Path::new("-"), 5), Some((5, None)));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        io::Write::write_all(&mut file, b"ten bytes.").unwrap();
        assert_eq!(shown(file.path(), 5), Some((5, Some(10))));
    }
}
