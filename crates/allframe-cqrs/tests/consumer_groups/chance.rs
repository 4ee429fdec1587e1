/// Numbers that follow from a seed.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// The place of one of so many things; none where there is none.
    pub(crate) fn one_of(&mut self, things: usize) -> Option<usize> {
        let bound = u64::try_from(things).ok().filter(|bound| *bound > 0)?;
        usize::try_from(self.below(bound)).ok()
    }
}
