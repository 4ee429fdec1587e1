use std::mem;

use eventstore_api::{GlobalPosition, message_with_causes};
use eventstore_migrate::{MigrationError, MigrationPhase};

use crate::{notes::note, progress::Progress};

/// What is told of a migration before its end.
pub(super) struct OnTheWay {
    /// Until it has caught up with a store that it follows.
    bar: Option<Progress>,
    /// What the last attempt has failed of, if nothing has got on since: it is told once, however long a store is away.
    trouble: Option<String>,
    /// Whether it has failed since it followed.
    is_held_up: bool,
}

impl OnTheWay {
    pub(super) fn new() -> Self {
        Self { bar: Some(Progress::unknown()), trouble: None, is_held_up: false }
    }

    /// It gets on, and has come to this position of so many.
    pub(super) fn at(&mut self, phase: MigrationPhase, position: GlobalPosition, head: GlobalPosition) {
        self.trouble = None;
        if phase != MigrationPhase::Following {
            if let Some(bar) = &mut self.bar {
                bar.at_events(position.get(), head.get());
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
