use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// A bar on standard error, where that is a terminal, once a job turns out to be long; a count where nobody knows how long.
pub(crate) struct Progress {
    /// How much there is to do; `None` where that is not known before the end.
    total: Option<u64>,
    template: &'static str,
    /// What is done to them, where several things are, one after the other: behind a space.
    done_to_them: &'static str,
    began: Instant,
    bar: Option<ProgressBar>,
    is_wanted: bool,
}

/// Whether one stands on the terminal, so that what is told there would stand behind it on the same line.
static IS_DRAWN: AtomicBool = AtomicBool::new(false);

pub(crate) fn is_drawn() -> bool {
    IS_DRAWN.load(Ordering::Relaxed)
}

/// How long a job may take without a word.
const PATIENCE: Duration = Duration::from_millis(700);

const BYTES: &str = "{bar:40} {bytes}/{total_bytes}  {elapsed}{to_go}";
const EVENTS: &str = "{bar:40} {human_pos}/{human_len} events{msg}  {elapsed}{to_go}";
const BYTES_SO_FAR: &str = "{spinner} {bytes}  {elapsed}";
const EVENTS_SO_FAR: &str = "{spinner} {human_pos} events  {elapsed}";

impl Progress {
    /// Of so many bytes, where that is known.
    pub(crate) fn of_bytes(total: Option<u64>) -> Self {
        Self::new(total, if total.is_some() { BYTES } else { BYTES_SO_FAR })
    }

    pub(crate) fn of_events(total: u64) -> Self {
        Self::new(Some(total), EVENTS)
    }

    /// Of events of which nobody knows how many there are.
    pub(crate) fn counting_events() -> Self {
        Self::new(None, EVENTS_SO_FAR)
    }

    /// Of what, and how much of it, turns out on the way.
    pub(crate) fn unknown() -> Self {
        Self::new(Some(0), BYTES)
    }

    fn new(total: Option<u64>, template: &'static str) -> Self {
        Self { total, template, done_to_them: "", began: Instant::now(), bar: None, is_wanted: true }
    }

    /// The same, or none at all.
    pub(crate) fn unless(mut self, unwanted: Unwanted) -> Self {
        self.is_wanted = !unwanted.0;
        self
    }

    pub(crate) fn at(&mut self, done: u64) {
        let may_be_shown = self.is_wanted && self.total != Some(0);
        if self.bar.is_none() && may_be_shown && self.began.elapsed() >= PATIENCE {
            let bar = self.start(done);
            IS_DRAWN.store(!bar.is_hidden(), Ordering::Relaxed);
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            // There may be more to do than at first.
            if let Some(total) = self.total.filter(|total| bar.length() != Some(*total)) {
                bar.set_length(total);
            }
            if bar.message() != self.done_to_them {
                bar.set_message(self.done_to_them);
                // They were done by something else, and at its pace.
                bar.set_position(done);
                bar.reset_eta();
            }
            bar.set_position(done);
        }
    }

    #[cfg(feature = "wal")]
    pub(crate) fn at_bytes(&mut self, done: u64, total: u64) {
        (self.template, self.total) = (BYTES, Some(total));
        self.at(done);
    }

    pub(crate) fn at_events(&mut self, done: u64, total: u64) {
        (self.template, self.total) = (EVENTS, Some(total));
        self.at(done);
    }

    /// The same of one of several things that are done to events.
    pub(crate) fn at_events_that_are(&mut self, done_to_them: &'static str, done: u64, total: u64) {
        self.done_to_them = done_to_them;
        self.at_events(done, total);
    }

    /// A bar that is as far as this already.
    fn start(&self, done: u64) -> ProgressBar {
        let hidden = ProgressDrawTarget::hidden();
        let bar = ProgressBar::with_draw_target(self.total, hidden).with_elapsed(self.began.elapsed());
        let bar = match ProgressStyle::with_template(self.template) {
            Ok(style) => bar.with_style(style.with_key("to_go", to_go)),
            Err(_) => bar,
        };
        // All that was not done in the moment since the bar was made: at that pace the rest would take no time. A reset forgets the pace and
        // keeps how far the bar is, where it has ticked there; nobody is to see it in between.
        bar.set_message(self.done_to_them);
        bar.set_position(done);
        bar.tick();
        bar.reset_eta();
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar
    }
}

/// How long it still takes; nothing, as long as it is not known how fast it goes.
fn to_go(state: &ProgressState, shown: &mut dyn fmt::Write) {
    if state.per_sec() > 0.0 {
        let _ = write!(shown, ", {:#} to go", HumanDuration(state.eta()));
    }
}

/// Whether a bar would be in the way.
pub(crate) struct Unwanted(pub(crate) bool);

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            IS_DRAWN.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
impl Progress {
    /// One that is at work for so long already that it is shown.
    pub(crate) fn late(mut self) -> Self {
        self.began = Instant::now().checked_sub(PATIENCE).unwrap();
        self
    }

    /// How far it shows itself to be, and of how much.
    pub(crate) fn shown(&self) -> Option<(u64, Option<u64>)> {
        self.bar.as_ref().map(|bar| (bar.position(), bar.length()))
    }

    /// What it says is done.
    pub(crate) fn message(&self) -> Option<String> {
        self.bar.as_ref().map(ProgressBar::message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_goes_as_far_as_there_is_to_do_by_now() {
        let mut progress = Progress::of_events(0).late();
        for (done, total) in [(500, 1_000), (1_200, 2_000)] {
            progress.at_events(done, total);
            assert_eq!(progress.shown(), Some((done, Some(total))));
        }
    }

    #[test]
    fn what_was_done_before_a_bar_is_shown_is_not_taken_for_its_pace() {
        const DONE: u64 = 1_000_000_000_000_000;
        let mut progress = Progress::of_events(2 * DONE).late();
        progress.at(DONE);
        let pace = |progress: &Progress| progress.bar.as_ref().unwrap().per_sec();
        assert!(pace(&progress) < 1.0, "{}", pace(&progress));
        progress.at(DONE + 1);
        assert!(pace(&progress) < 1e12, "{}", pace(&progress));
        assert_eq!(progress.shown(), Some((DONE + 1, Some(2 * DONE))));
    }

    #[test]
    fn where_nobody_knows_how_much_there_is_it_is_counted() {
        for mut progress in [Progress::of_bytes(None).late(), Progress::counting_events().late()] {
            progress.at(7);
            assert_eq!(progress.shown(), Some((7, None)));
        }
    }

    #[test]
    fn of_nothing_nothing_is_shown_and_neither_of_what_is_done_soon() {
        for mut progress in [Progress::unknown().late(), Progress::of_events(9), Progress::counting_events()]
        {
            progress.at(0);
            assert_eq!(progress.shown(), None);
        }
    }
}
