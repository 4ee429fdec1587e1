//! A store at rest, of which a bit turns over, a file is cut off, or a file is gone.

use eventstore_api::AppendBatch;
use eventstore_wal::{
    disk::{
        Disk, Open,
        faulty::{Always, FaultyDisk},
    },
    log::{LogOptions, SeededBug},
};

use crate::{
    chance::Chance,
    clock,
    events::Events,
    faults::{all_there, is_noticed},
    model::Model,
    reading::Look,
    run::Run,
    tally::Tally,
    violation::Violation,
    workload::{Step, options},
};

/// A store that nobody has open.
#[derive(Debug)]
pub struct AtRest {
    disk: FaultyDisk,
    model: Model,
    options: LogOptions,
    ending: Ending,
}

/// How the store came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was closed in good order.
    Closed,
    /// The log says that all of it is durable, and then the process was killed.
    Marked,
    /// The same, and then the power went out: what was never synced is gone.
    MarkedAndCrashed,
}

impl Ending {
    /// Every ending.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Marked, Self::MarkedAndCrashed];
}

impl AtRest {
    /// A store with a log of about so many bytes, in segments of about so many.
    ///
    /// # Errors
    ///
    /// What the engine did wrong.
    pub fn new(
        seed: u64,
        (log_bytes, segment_bytes): (usize, u64),
        ending: Ending,
        bug: Option<SeededBug>,
    ) -> Result<Self, Violation> {
        clock::reset();
        let mut chance = Chance::new(seed);
        let mut events = Events::new(seed);
        let options = LogOptions { segment_bytes, ..options(bug) };
        let (mut run, _) = Run::open(FaultyDisk::new(), options.clone(), Model::default(), seed)?;
        let mut bytes = 0;
        while bytes < log_bytes {
            let batch = events.batch(&mut chance, run.model());
            bytes += length(&batch);
            run.commit(&[batch])?;
        }
        run.step(&Step::Background)?;
        run.step(&Step::Flush)?;
        let (disk, model) = match ending {
            Ending::Closed => run.close()?,
            Ending::Marked | Ending::MarkedAndCrashed => {
                run.step(&Step::Mark)?;
                let disk = match ending {
                    Ending::MarkedAndCrashed => run.disk.crash(&mut Always::Oldest),
                    _ => run.disk.kill(),
                };
                (disk, run.model().clone())
            }
        };
        Ok(Self { disk, model, options, ending })
    }

    /// The files, and how long they are.
    #[must_use]
    pub fn files(&self) -> Vec<(String, usize)> {
        self.disk.contents().into_iter().map(|(name, bytes)| (name, bytes.len())).collect()
    }

    /// How many bits there are in all files.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.files().iter().map(|(_, bytes)| bytes * 8).sum()
    }

    /// Turns over one bit after the other, each in a copy, from `first` on every `step`th: what was there is there, or the
    /// store says that it is damaged.
    ///
    /// # Errors
    ///
    /// What was lost in silence.
    pub fn flip_every(&self, first: usize, step: usize, tally: &mut Tally) -> Result<(), Violation> {
        let mut before = 0;
        let mut bit = first;
        for (name, bytes) in self.files() {
            while bit < before + bytes * 8 {
                let at = bit - before;
                self.flip(&name, at / 8, at % 8, tally)?;
                bit += step;
            }
            before += bytes * 8;
        }
        Ok(())
    }

    fn flip(&self, name: &str, offset: usize, bit: usize, tally: &mut Tally) -> Result<(), Violation> {
        let disk = self.disk.fork();
        let number = u8::try_from(bit % 8).unwrap_or(0);
        disk.flip_bit(name, offset as u64, number)
            .map_err(|error| Violation::new(format!("cannot flip a bit of {name}: {error}")))?;
        tally.flips += 1;
        // An index answers in several ways, a log in one.
        let look = if name.ends_with(".idx") { Look::Whole } else { Look::Quick };
        self.look_at(&disk, look, offset, tally).map_err(|it| {
            it.during(format!("{:?}, bit {bit} of byte {offset} of {name} flipped", self.ending))
        })
    }

    /// Cuts off each file after so many bytes, in a copy, at all lengths that `step` divides.
    ///
    /// # Errors
    ///
    /// What was lost in silence, where something else says that it was there.
    pub fn cut_every(&self, step: usize, tally: &mut Tally) -> Result<(), Violation> {
        for (name, bytes) in self.files() {
            for length in (0..bytes).step_by(step) {
                let disk = self.disk.fork();
                let cut = disk.open(&name, Open::Write).and_then(|file| file.set_len(length as u64));
                cut.map_err(|error| Violation::new(format!("cannot cut {name}: {error}")))?;
                tally.prefixes += 1;
                self.look_at(&disk, Look::Quick, length, tally).map_err(|it| {
                    it.during(format!("{:?}, {name} cut off after {length} bytes", self.ending))
                })?;
            }
        }
        Ok(())
    }

    /// Takes away each file, in a copy.
    ///
    /// # Errors
    ///
    /// What was lost in silence, where something else says that it was there.
    pub fn remove_each(&self, tally: &mut Tally) -> Result<(), Violation> {
        for (name, _) in self.files() {
            let disk = self.disk.fork();
            disk.remove(&name).map_err(|error| Violation::new(format!("cannot remove {name}: {error}")))?;
            self.look_at(&disk, Look::Whole, 0, tally)
                .map_err(|it| it.during(format!("{:?}, {name} removed", self.ending)))?;
        }
        Ok(())
    }

    fn look_at(
        &self,
        disk: &FaultyDisk,
        look: Look,
        seed: usize,
        tally: &mut Tally,
    ) -> Result<(), Violation> {
        tally.openings += 1;
        let outcome = all_there(disk, &self.options, &self.model, look, &mut Chance::new(seed as u64));
        is_noticed(outcome, tally).map(drop)
    }
}

fn length(batch: &AppendBatch) -> usize {
    batch.appends.iter().flat_map(|append| &append.events).map(|event| event.payload.len() + 100).sum()
}
