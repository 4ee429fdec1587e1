//! Who decides what a crash leaves.

use super::random::Random;

/// Decides what survives a crash, one choice after the other.
///
/// What the options are is for the disk to know; they are ordered by age: 0 is what was durable, the last one is what was
/// written last.
pub trait Chooser {
    /// One of `0..options`. More is taken as the last one.
    fn choose(&mut self, options: usize) -> usize;
}

/// Always the same extreme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Always {
    /// Only what was synced survives.
    Oldest,
    /// Everything survives.
    Newest,
}

impl Chooser for Always {
    fn choose(&mut self, options: usize) -> usize {
        match self {
            Self::Oldest => 0,
            Self::Newest => options.saturating_sub(1),
        }
    }
}

/// Chooses at random: the same seed chooses the same.
///
/// A coin tossed for every sector would hardly ever keep all but one, or the first half, of 16 sectors. So the seed first
/// picks a leaning: even, mostly old, mostly new, or in runs.
#[derive(Clone, Debug)]
pub struct Seeded {
    random: Random,
    leaning: Leaning,
    last: Option<bool>,
}

#[derive(Clone, Copy, Debug)]
enum Leaning {
    Even,
    Old,
    New,
    Runs,
}

impl Seeded {
    /// Choices that follow from this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let leaning = match random.below(8) {
            0..=2 => Leaning::Even,
            3 => Leaning::Old,
            4 => Leaning::New,
            _ => Leaning::Runs,
        };
        Self { random, leaning, last: None }
    }

    fn is_old(&mut self) -> bool {
        let exception = self.random.below(8) == 0;
        match (self.leaning, self.last) {
            (Leaning::Old, _) => !exception,
            (Leaning::New, _) => exception,
            (Leaning::Runs, Some(last)) => last != exception,
            (Leaning::Even, _) | (Leaning::Runs, None) => self.random.below(2) == 0,
        }
    }
}

impl Chooser for Seeded {
    fn choose(&mut self, options: usize) -> usize {
        let newer = options.saturating_sub(1);
        if newer == 0 {
            return 0;
        }
        let is_old = self.is_old();
        self.last = Some(is_old);
        match (is_old, self.leaning) {
            (true, _) => 0,
            (false, Leaning::New | Leaning::Runs) if self.random.below(4) != 0 => newer,
            (false, _) => 1 + self.random.below(newer),
        }
    }
}

/// Every combination of choices, one after the other.
///
/// ```
/// use eventstore_wal::disk::faulty::{Chooser, Exhaustive};
///
/// let mut every = Exhaustive::new(8);
/// let mut seen = Vec::new();
/// while every.advance() {
///     seen.push((every.choose(2), every.choose(3)));
/// }
/// assert_eq!(seen, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
/// assert!(!every.has_skipped());
/// ```
#[derive(Clone, Debug)]
pub struct Exhaustive {
    /// What was chosen in this combination, of how many options.
    path: Vec<(usize, usize)>,
    next: usize,
    limit: usize,
    started: bool,
    skipped: bool,
}

impl Exhaustive {
    /// All combinations of the first `limit` choices that are any. What comes after them stays the oldest, and
    /// [`Exhaustive::has_skipped`] tells.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { path: Vec::new(), next: 0, limit, started: false, skipped: false }
    }

    /// Goes on to the next combination, at first to the first; `false` when there is none left.
    pub fn advance(&mut self) -> bool {
        self.next = 0;
        if !self.started {
            self.started = true;
            return true;
        }
        while let Some((choice, options)) = self.path.pop() {
            if choice + 1 < options {
                self.path.push((choice + 1, options));
                return true;
            }
        }
        false
    }

    /// Whether there were more choices than the limit, so that not all combinations were seen.
    #[must_use]
    pub fn has_skipped(&self) -> bool {
        self.skipped
    }

    /// The choices of this combination, for [`Replay`].
    #[must_use]
    pub fn choices(&self) -> Vec<usize> {
        self.path.iter().map(|(choice, _)| *choice).collect()
    }
}

impl Chooser for Exhaustive {
    fn choose(&mut self, options: usize) -> usize {
        if options < 2 {
            return 0;
        }
        let at = self.next;
        self.next += 1;
        match self.path.get(at) {
            Some((choice, _)) => *choice,
            None if at >= self.limit => {
                self.skipped = true;
                0
            }
            None => {
                self.path.push((0, options));
                0
            }
        }
    }
}

/// Choices that were written down, by [`Exhaustive::choices`] or by hand. After the last one: the oldest.
#[derive(Clone, Debug)]
pub struct Replay {
    choices: std::vec::IntoIter<usize>,
}

impl Replay {
    /// These choices, in this order.
    #[must_use]
    pub fn new(choices: Vec<usize>) -> Self {
        Self { choices: choices.into_iter() }
    }
}

impl Chooser for Replay {
    fn choose(&mut self, options: usize) -> usize {
        if options < 2 { 0 } else { self.choices.next().unwrap_or(0).min(options - 1) }
    }
}
