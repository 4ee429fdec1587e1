use eventstore_api::GlobalPosition;

/// How often in turn a migration was tried, and a store was away.
pub(super) struct Attempts {
    /// How far the new store was known to be.
    reached: GlobalPosition,
    in_vain: u32,
}

/// How often it is tried.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    /// Until somebody calls the end.
    Endless,
    /// So often that a server may restart.
    Limited,
}

const MOST: u32 = 5;

impl Attempts {
    pub(super) fn new() -> Self {
        Self { reached: GlobalPosition::START, in_vain: 0 }
    }

    /// Begins another one behind one that has failed, with which the new store has come this far, where it says so. Answers `false` where
    /// so many were in vain that there is none.
    pub(super) fn begin_another(&mut self, head: Option<GlobalPosition>, patience: Patience) -> bool {
        match (head, patience) {
            // What gets on is tried again, however often.
            (Some(head), _) if head > self.reached => (self.reached, self.in_vain) = (head, 0),
            // Those that come before the end is called are none of those that are left then.
            (_, Patience::Endless) => self.in_vain = 0,
            (_, Patience::Limited) => self.in_vain += 1,
        }
        self.in_vain < MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many attempts in turn there are, if each fails with the new store here.
    fn left(attempts: &mut Attempts, head: Option<u64>) -> usize {
        let head = head.map(GlobalPosition::new);
        let behind_the_first = (0..100).take_while(|_| attempts.begin_another(head, Patience::Limited));
        1 + behind_the_first.count()
    }

    #[test]
    fn five_in_turn_that_bring_nothing_are_enough() {
        assert_eq!(left(&mut Attempts::new(), None), 5);
        assert_eq!(left(&mut Attempts::new(), Some(0)), 5);
    }

    #[test]
    fn what_gets_on_is_tried_however_often() {
        let mut attempts = Attempts::new();
        for head in 1..100 {
            assert!(attempts.begin_another(Some(GlobalPosition::new(head)), Patience::Limited));
        }
        assert_eq!(left(&mut attempts, Some(99)), 5);
    }

    #[test]
    fn however_long_a_store_was_waited_for_there_are_as_many_when_the_end_is_called() {
        let mut attempts = Attempts::new();
        for _ in 0..100 {
            assert!(attempts.begin_another(None, Patience::Endless));
        }
        assert_eq!(left(&mut attempts, None), 5);
    }
}
