use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
};

use eventstore_api::{IntoStreamId, NewEvent, StreamId};
use serde_json::Value;

use super::{
    GoldenError, GoldenProblem, Reader, UpdateSamples,
    folder::Folder,
    reader::json_event,
    sample::{Sample, SampleText},
};
use crate::{
    Error, Event, EventForm, PayloadCodec, Result,
    event::{kind_named, kinds_of, names_of},
    payload::to_new_event,
};

/// Stored events of every released version of a type, each in a file of its own in your repository, and the proof that all still
/// read.
///
/// One test in your crate gives it an event of each kind. The first time, it writes their files, which you commit. From then on
/// it asserts, every time,
///
/// - that every file still reads, and as the events that it did read as;
/// - that no file was changed, and that there is one of every kind and version that the type or its upcasters read;
/// - that an event of today's version is still stored as it was released: what is written differently takes a new version.
///
/// When the version of an event is raised, the files of the earlier version stay, and the new one's is written beside them. What
/// becomes of missing and differing samples is said with [`UpdateSamples`], or with the environment variable `EVENT_SAMPLES`; in
/// continuous integration, where `CI` is set, nothing is written.
///
/// A file says how the event was stored and what it reads as:
///
/// ```text
/// event_type: Deposited
/// schema_version: 1
/// encoding: json
/// stream: sample
/// checksum: 7d8e3f0f6c1a2b44
/// --- stored
/// {"euros":42}
/// --- read as
/// Deposited 2 {"cents":4200}
/// ```
///
/// Every type has a folder of its own, as every line of it is read as that type.
///
/// ```
/// use allframe_cqrs::{event, versioning::testing::GoldenSamples};
/// use serde::{Deserialize, Serialize};
///
/// #[event(version = 2)]
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Deposited {
///     cents: u64,
///     #[added(version = 2)]
///     note: Option<String>,
/// }
///
/// # let folder = std::env::temp_dir().join(format!("golden-samples-{}", std::process::id()));
/// # let samples = |folder: &std::path::Path| GoldenSamples::in_folder(folder)
/// #   .updating(allframe_cqrs::versioning::testing::UpdateSamples::Write);
/// # #[cfg(any())]
/// let samples = GoldenSamples::in_folder("tests/samples/deposited");
/// # samples(&folder)
/// # .earlier_json("first", ("Deposited", 1), serde_json::json!({ "cents": 42 }))
/// # .sample("first", Deposited { cents: 42, note: None }).assert();
/// # let samples = samples(&folder);
/// samples
///     .sample("first", Deposited { cents: 42, note: None })
///     .sample("with a note", Deposited { cents: 1, note: Some("thanks".into()) })
///     .assert();
/// # std::fs::remove_dir_all(folder).unwrap();
/// ```
pub struct GoldenSamples<E> {
    folder: PathBuf,
    reader: Reader<E>,
    update: UpdateSamples,
    stream: Option<StreamId>,
    given: Vec<Given>,
}

/// An event that was given to the test.
struct Given {
    name: String,
    sample: Result<Sample>,
}

/// What was found to be right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GoldenReport {
    /// How many files were read, those among them that were written just now.
    pub read: usize,
    /// The files that were written.
    pub written: Vec<PathBuf>,
}

impl<E: Event> GoldenSamples<E> {
    /// The samples in this folder. A relative path begins at the root of the package, where `cargo test` runs its tests.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            reader: Reader::new(),
            update: UpdateSamples::of_environment(),
            stream: None,
            given: Vec::new(),
        }
    }

    /// The same samples, read by this reader, which may know a registry; `sample` and `earlier` behind it use its codec.
    #[must_use]
    pub fn with_reader(mut self, reader: Reader<E>) -> Self {
        self.reader = reader;
        self
    }

    /// The same samples, with this said of those that are missing or differ, whatever the environment says.
    #[must_use]
    pub fn updating(mut self, update: UpdateSamples) -> Self {
        self.update = update;
        self
    }

    /// The same samples, those behind it in this stream, for upcasters that look; without this in one called `sample`.
    #[must_use]
    pub fn in_stream(mut self, stream: impl IntoStreamId) -> Self {
        match stream.into_stream_id() {
            Ok(stream) => self.stream = Some(stream),
            Err(error) => {
                self.given.push(Given { name: "in_stream".to_owned(), sample: Err(error.into()) });
            }
        }
        self
    }

    /// The same samples and this one: an event of today's type, as it is stored today. Names tell several of a kind apart.
    #[must_use]
    pub fn sample(self, name: impl Into<String>, event: E) -> Self {
        self.earlier(name, event)
    }

    /// The same samples and this one: an event of an earlier type, as programs that had that type stored it. It is for versions
    /// that were released before there were samples.
    #[must_use]
    pub fn earlier<F: Event>(self, name: impl Into<String>, event: F) -> Self {
        let stored = to_new_event(&event, self.reader.codec());
        self.given(name, stored)
    }

    /// The same samples and this one: JSON, as it was stored under this name and version.
    #[must_use]
    pub fn earlier_json(self, name: impl Into<String>, form: impl Into<EventForm>, payload: Value) -> Self {
        let stored = json_event(form.into(), &payload);
        self.given(name, stored)
    }

    /// The same samples and this one: an event as it was stored, with all that is kept beside.
    #[must_use]
    pub fn earlier_stored(self, name: impl Into<String>, event: NewEvent) -> Self {
        self.given(name, Ok(event))
    }

    /// Whether all is as it should be; files are written as [`GoldenSamples::updating`] says.
    ///
    /// # Errors
    ///
    /// [`GoldenError`] with everything that is wrong.
    pub fn check(&self) -> Result<GoldenReport, GoldenError> {
        let mut check = Check { samples: self, problems: Vec::new(), written: Vec::new() };
        let mut folder = Folder::read(&self.folder, &mut check.problems);
        check.files(&mut folder);
        check.given(&mut folder);
        check.every_form_is_there(&folder);
        match check.problems.is_empty() {
            true => Ok(GoldenReport { read: folder.samples.len(), written: check.written }),
            false => Err(GoldenError::of::<E>(check.problems)),
        }
    }

    /// Fails the test unless all is as it should be.
    ///
    /// # Panics
    ///
    /// With [`GoldenError`], that of [`GoldenSamples::check`].
    #[track_caller]
    #[allow(clippy::panic, reason = "an assertion of a test")]
    pub fn assert(&self) {
        if let Err(error) = self.check() {
            panic!("{error}");
        }
    }

    fn given(mut self, name: impl Into<String>, stored: Result<NewEvent>) -> Self {
        let stream = self.stream.clone().map_or_else(|| StreamId::new("sample").map_err(Error::from), Ok);
        let sample = stored.and_then(|event| Ok(Sample::new(stream?, event)));
        self.given.push(Given { name: name.into(), sample });
        self
    }
}

impl<E> fmt::Debug for GoldenSamples<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoldenSamples")
            .field("folder", &self.folder)
            .field("reader", &self.reader)
            .field("update", &self.update)
            .field("given", &self.given.iter().map(|given| &given.name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// A check on its way.
struct Check<'a, E> {
    samples: &'a GoldenSamples<E>,
    problems: Vec<GoldenProblem>,
    written: Vec<PathBuf>,
}

impl<E: Event> Check<'_, E> {
    /// Every file reads as it did.
    fn files(&mut self, folder: &mut Folder) {
        let mut accepted = Vec::new();
        for (file, text) in &folder.samples {
            let Some(now) = self.read(file, &text.sample) else { continue };
            if is_same(&text.read_as, &now) {
                continue;
            }
            match self.samples.update {
                UpdateSamples::Accept => {
                    accepted.push((file.clone(), SampleText { read_as: now, ..text.clone() }));
                }
                _ => self.problems.push(GoldenProblem::ReadsDifferently {
                    file: file.clone(),
                    released: text.read_as.clone(),
                    now,
                }),
            }
        }
        for (file, text) in accepted {
            self.write(folder, file, text);
        }
    }

    /// Every event that was given has a file, and is still stored as that says.
    fn given(&mut self, folder: &mut Folder) {
        let mut files = BTreeSet::new();
        for Given { name, sample } in &self.samples.given {
            let sample = match sample {
                Ok(sample) => sample,
                Err(error) => {
                    self.problems
                        .push(GoldenProblem::Unstorable { name: name.clone(), source: error.clone() });
                    continue;
                }
            };
            let first = folder.file_of(name, sample, 1);
            if !files.insert(first.clone()) {
                self.problems.push(GoldenProblem::NamedTwice { file: first });
                continue;
            }
            self.one_given(folder, name, sample);
        }
    }

    fn one_given(&mut self, folder: &mut Folder, name: &str, sample: &Sample) {
        let mut last = None;
        for nth in 1.. {
            let file = folder.file_of(name, sample, nth);
            match folder.samples.get(&file) {
                Some(released) if released.sample.is_stored_like(sample) => return,
                Some(released) => last = Some((file, released.sample.payload_line())),
                // Told already, as what it is.
                None if file.exists() => return,
                None => return self.new_file(folder, file, sample, last),
            }
        }
    }

    fn new_file(
        &mut self,
        folder: &mut Folder,
        file: PathBuf,
        sample: &Sample,
        last: Option<(PathBuf, String)>,
    ) {
        match (self.samples.update, last) {
            (UpdateSamples::Accept, _) | (UpdateSamples::Write, None) => {
                if let Some(read_as) = self.read(&file, sample) {
                    self.write(folder, file, SampleText { sample: sample.clone(), read_as });
                }
            }
            (UpdateSamples::Check, None) => self.problems.push(GoldenProblem::Missing { file }),
            (UpdateSamples::Check | UpdateSamples::Write, Some((file, released))) => {
                self.problems.push(GoldenProblem::StoredDifferently {
                    file,
                    released,
                    now: sample.payload_line(),
                });
            }
        }
    }

    fn every_form_is_there(&mut self, folder: &Folder) {
        let paths = match self.samples.reader.events().paths() {
            Ok(paths) => paths,
            Err(error) => return self.problems.push(GoldenProblem::Versioning(error)),
        };
        let earlier = paths.into_iter().map(|path| (name_of_today::<E>(&path.event_type), path.from_version));
        let today = kinds_of::<E>().into_iter().map(|kind| (kind.name.to_owned(), kind.schema_version));
        let wanted: BTreeSet<_> = earlier.chain(today).collect();
        let samples = folder.samples.values().map(|text| &text.sample);
        // One that is missing, or was changed, is told as that alone.
        let given = self.samples.given.iter().filter_map(|given| given.sample.as_ref().ok());
        let there: BTreeSet<_> = samples
            .chain(given)
            .map(|sample| (name_of_today::<E>(sample.event_type.as_str()), sample.schema_version))
            .collect();
        for (event_type, schema_version) in wanted.difference(&there).cloned() {
            self.problems.push(GoldenProblem::Unsampled { event_type, schema_version });
        }
    }

    /// A line for every event that a sample reads as.
    fn read(&mut self, file: &Path, sample: &Sample) -> Option<Vec<String>> {
        let events = self.samples.reader.read_record(&sample.record());
        let codec = self.samples.reader.codec();
        let lines = events.and_then(|events| events.iter().map(|event| line_of(event, codec)).collect());
        lines
            .map_err(|source| {
                self.problems.push(GoldenProblem::Unreadable { file: file.to_owned(), source });
            })
            .ok()
    }

    fn write(&mut self, folder: &mut Folder, file: PathBuf, text: SampleText) {
        match folder.write(&file, text) {
            Ok(()) => self.written.push(file),
            Err(problem) => self.problems.push(problem),
        }
    }
}

/// An event of today: its name, its version, and its content, as JSON if it can be.
fn line_of<E: Event>(event: &E, codec: PayloadCodec) -> Result<String> {
    if let Some(unknown) = event.as_unknown() {
        return Ok(format!("{} {} unknown", unknown.event_type, unknown.schema_version));
    }
    let stored = to_new_event(event, PayloadCodec::Json).or_else(|_| to_new_event(event, codec))?;
    let stored = Sample::new(StreamId::new("sample")?, stored);
    Ok(format!("{} {} {}", stored.event_type, stored.schema_version, stored.payload_line()))
}

/// Whether both are the same events. Neither the version of today's kind, which may be raised, nor the order of fields matters.
fn is_same(released: &[String], now: &[String]) -> bool {
    // A name may have spaces.
    let content = |line: &str| -> Option<(String, Value)> {
        line.match_indices(' ').find_map(|(end, _)| {
            let (name, rest) = line.split_at_checked(end)?;
            let (version, content) = rest.strip_prefix(' ')?.split_once(' ')?;
            version.parse::<u32>().ok()?;
            Some((name.to_owned(), serde_json::from_str(content).ok()?))
        })
    };
    let is_same_event = |(released, now): (&String, &String)| {
        released == now || content(released).is_some_and(|released| Some(released) == content(now))
    };
    released.len() == now.len() && released.iter().zip(now).all(is_same_event)
}

/// What the kind is called today that is stored under this name.
fn name_of_today<E: Event>(event_type: &str) -> String {
    kind_named::<E>(event_type)
        .and_then(|kind| names_of(&kind).next())
        .map_or_else(|| event_type.to_owned(), str::to_owned)
}
