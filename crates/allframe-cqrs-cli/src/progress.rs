use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error, where that is a terminal, once a job turns out to be long.
pub(crate) struct Progress {
    total: u64,
    template: &'static str,
    began: Instant,
    bar: Option<ProgressBar>,
    is_wanted: bool,
}

/// How long a job may take without a word.
const PATIENCE: Duration = Duration::from_millis(700);

const BYTES: &str = "{bar:40} {bytes}/{total_bytes}  {elapsed}, {eta} to go";
const EVENTS: &str = "{bar:40} {human_pos}/{human_len} events  {elapsed}, {eta} to go";

impl Progress {
    pub(crate) fn of_bytes(total: u64) -> Self {
        Self::new(total, BYTES)
    }

    pub(crate) fn of_events(total: u64) -> Self {
        Self::new(total, EVENTS)
    }

    /// Of what, and how much of it, turns out on the way.
    pub(crate) fn unknown() -> Self {
        Self::of_bytes(0)
    }

    fn new(total: u64, template: &'static str) -> Self {
        Self { total, template, began: Instant::now(), bar: None, is_wanted: true }
    }

    /// The same, or none at all.
    pub(crate) fn unless(mut self, unwanted: Unwanted) -> Self {
        self.is_wanted = !unwanted.0;
        self
    }

    pub(crate) fn at(&mut self, done: u64) {
        if self.bar.is_none() && self.is_wanted && self.total > 0 && self.began.elapsed() >= PATIENCE {
            self.bar = Some(self.start());
        }
        if let Some(bar) = &self.bar {
            // There may be more to do than at first.
            if bar.length() != Some(self.total) {
                bar.set_length(self.total);
            }
            bar.set_position(done);
        }
    }

    #[cfg(feature = "wal")]
    pub(crate) fn at_bytes(&mut self, done: u64, total: u64) {
        (self.template, self.total) = (BYTES, total);
        self.at(done);
    }

    pub(crate) fn at_events(&mut self, done: u64, total: u64) {
        (self.template, self.total) = (EVENTS, total);
        self.at(done);
    }

    fn start(&self) -> ProgressBar {
        let bar = ProgressBar::new(self.total).with_elapsed(self.began.elapsed());
        match ProgressStyle::with_template(self.template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

/// Whether a bar would be in the way.
pub(crate) struct Unwanted(pub(crate) bool);

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_goes_as_far_as_there_is_to_do_by_now() {
        let mut progress = Progress::of_events(0);
        progress.began = Instant::now().checked_sub(PATIENCE).unwrap();
        for (done, total) in [(500, 1_000), (1_200, 2_000)] {
            progress.at_events(done, total);
            let bar = progress.bar.as_ref().unwrap();
            assert_eq!((bar.position(), bar.length()), (done, Some(total)));
        }
    }
}
