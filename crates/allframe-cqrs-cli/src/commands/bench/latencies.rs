/// How long each append took, in microseconds.
#[derive(Default)]
pub(super) struct Latencies {
    micros: Vec<u32>,
    are_sorted: bool,
}

impl Latencies {
    pub(super) fn of(micros: Vec<u32>) -> Self {
        Self { micros, are_sorted: false }
    }

    pub(super) fn add(&mut self, others: Self) {
        self.micros.extend(others.micros);
        self.are_sorted = false;
    }

    /// So many of a hundred took no longer; 0 where there is none.
    pub(super) fn percentile(&mut self, percent: usize) -> u64 {
        if !self.are_sorted {
            self.micros.sort_unstable();
            self.are_sorted = true;
        }
        let place = (self.micros.len() * percent).div_ceil(100).saturating_sub(1);
        self.micros.get(place).copied().map_or(0, u64::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_of_a_hundred_took_no_longer() {
        let mut latencies = Latencies::of((1..=150).rev().collect());
        latencies.add(Latencies::of((151..=200).collect()));
        assert_eq!([50, 99, 100].map(|percent| latencies.percentile(percent)), [100, 198, 200]);
        assert_eq!(Latencies::default().percentile(99), 0);
        assert_eq!(Latencies::of(vec![7]).percentile(1), 7);
    }
}
