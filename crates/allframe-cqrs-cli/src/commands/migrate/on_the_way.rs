use std::mem;

use eventstore_api::{GlobalPosition, message_with_causes};
use eventstore_migrate::{MigrationError, MigrationPhase};

use crate::{notes::note, progress::Progress};

/// What is told of a migration before its end.
pub(super) struct OnTheWay {
    /// Until it has caught up with a store that it follows.
    bar: Option<Progress>,
    /// The farthest that anything has had to go: a comparison begins before all is copied, and is told how much was by then.
    total: u64,
    /// What the last attempt has failed of, if nothing has got on since: it is told once, however long a store is away.
    trouble: Option<String>,
    /// Whether it has failed since it followed.
    is_held_up: bool,
}

impl OnTheWay {
    pub(super) fn new() -> Self {
        Self { bar: Some(Progress::unknown()), total: 0, trouble: None, is_held_up: false }
    }

    /// It gets on, and has come to this position of so many.
    pub(super) fn at(&mut self, phase: MigrationPhase, position: GlobalPosition, head: GlobalPosition) {
        self.trouble = None;
        if phase != MigrationPhase::Following {
            self.total = self.total.max(head.get());
            let what = if phase == MigrationPhase::Verifying { " compared" } else { " copied" };
            if let Some(bar) = &mut self.bar {
                bar.at_events_that_are(what, position.get(), self.total);
            }
            return;
        }
        let was_held_up = mem::take(&mut self.is_held_up);
        if self.bar.take().is_some() {
            note(&format!("caught up at position {position}, and following"));
        } else if was_held_up {
            note(&format!("following again, from position {position} on"));
        }
    }

    /// An attempt has failed, and there will be another one.
    pub(super) fn failed(&mut self, error: &MigrationError) {
        let trouble = message_with_causes(error);
        if self.trouble.as_ref() != Some(&trouble) {
            note(&format!("{trouble}, trying again"));
        }
        self.trouble = Some(trouble);
        self.is_held_up = true;
    }
}

#[cfg(test)]
mod tests {
    use eventstore_api::StoreError;

    use super::*;
    use crate::notes::heard;

    fn away(why: &'static str) -> MigrationError {
        MigrationError::Source(StoreError::unavailable(why))
    }

    /// What is told while a store is followed, in short.
    fn told(happens: impl FnOnce(&mut OnTheWay)) -> Vec<&'static str> {
        heard::take();
        happens(&mut OnTheWay::new());
        let words = ["caught up at position 4", "is away", "starts", "following again, from position 5"];
        let word_of = |note: &String| *words.iter().find(|word| note.contains(**word)).unwrap();
        heard::take().iter().map(word_of).collect()
    }

    #[test]
    fn a_bar_says_what_it_counts_and_never_that_there_is_less_to_do() {
        let mut on_the_way = OnTheWay::new();
        on_the_way.bar = on_the_way.bar.map(Progress::late);
        let mut shown = |phase, position, head| {
            on_the_way.at(phase, GlobalPosition::new(position), GlobalPosition::new(head));
            let bar = on_the_way.bar.as_ref().unwrap();
            (bar.message().unwrap(), bar.shown().unwrap())
        };
        assert_eq!(shown(MigrationPhase::Copying, 90, 100), (" copied".to_owned(), (90, Some(100))));
        assert_eq!(shown(MigrationPhase::Copying, 100, 100), (" copied".to_owned(), (100, Some(100))));
        assert_eq!(shown(MigrationPhase::Verifying, 80, 90), (" compared".to_owned(), (80, Some(100))));
    }

    fn follows(on_the_way: &mut OnTheWay, position: u64) {
        let position = GlobalPosition::new(position);
        on_the_way.at(MigrationPhase::Following, position, position);
    }

    #[test]
    fn that_a_store_is_away_is_told_once_and_then_that_it_is_there_again() {
        let told = told(|on_the_way| {
            follows(on_the_way, 4);
            for _ in 0..10 {
                on_the_way.failed(&away("it is away"));
            }
            on_the_way.failed(&away("it starts"));
            follows(on_the_way, 5);
            follows(on_the_way, 6);
            on_the_way.failed(&away("it is away"));
        });
        assert_eq!(
            told,
            ["caught up at position 4", "is away", "starts", "following again, from position 5", "is away"]
        );
    }

    #[test]
    fn the_same_is_told_again_once_something_has_got_on() {
        let told = told(|on_the_way| {
            on_the_way.failed(&away("it is away"));
            on_the_way.at(MigrationPhase::Copying, GlobalPosition::new(1), GlobalPosition::new(4));
            on_the_way.failed(&away("it is away"));
            follows(on_the_way, 4);
        });
        assert_eq!(told, ["is away", "is away", "caught up at position 4"]);
    }
}
