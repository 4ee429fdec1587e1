//! The folder with the samples of a type.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    error::GoldenProblem,
    sample::{Sample, SampleText},
};
use crate::file_name::file_name;

const EXTENSION: &str = "sample";

/// The samples in a folder, by file.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    pub(super) samples: BTreeMap<PathBuf, SampleText>,
}

impl Folder {
    /// What is there; nothing, where there is no folder. Files that are no samples any more are told.
    pub(super) fn read(path: &Path, problems: &mut Vec<GoldenProblem>) -> Self {
        let mut folder = Self { path: path.to_owned(), samples: BTreeMap::new() };
        match sample_files(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => problems.push(io_problem(path, error)),
            Ok(files) => {
                for file in files {
                    match fs::read_to_string(&file) {
                        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                            problems
                                .push(GoldenProblem::Changed { file, detail: "it is no text".to_owned() });
                        }
                        Err(error) => problems.push(io_problem(&file, error)),
                        Ok(text) => match SampleText::parse(&text) {
                            Ok(sample) => drop(folder.samples.insert(file, sample)),
                            Err(detail) => problems.push(GoldenProblem::Changed { file, detail }),
                        },
                    }
                }
            }
        }
        folder
    }

    /// The file of the form in which a sample of this name was stored at first, or later for the `nth` time, from 1.
    pub(super) fn file_of(&self, name: &str, sample: &Sample, nth: usize) -> PathBuf {
        let mut file = format!(
            "{}.v{}.{}",
            file_name(sample.event_type.as_str()),
            sample.schema_version,
            file_name(name)
        );
        if nth > 1 {
            let _ = write!(file, "+{nth}");
        }
        self.path.join(format!("{file}.{EXTENSION}"))
    }

    pub(super) fn write(&mut self, file: &Path, text: SampleText) -> Result<(), GoldenProblem> {
        let written = fs::create_dir_all(&self.path).and_then(|()| fs::write(file, text.render()));
        written.map_err(|error| io_problem(file, error))?;
        self.samples.insert(file.to_owned(), text);
        Ok(())
    }
}

fn sample_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn io_problem(path: &Path, error: io::Error) -> GoldenProblem {
    GoldenProblem::Io { path: path.to_owned(), source: Arc::new(error) }
}
