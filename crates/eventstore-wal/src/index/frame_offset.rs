use std::fmt;

/// Frames begin at multiples of this many bytes.
const UNIT: u64 = 8;

/// Where in its segment a frame begins, kept in units of 8 bytes: 4 bytes are enough for a segment of 32 GiB. In a part, the
/// number of a row, which counts as 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FrameOffset(u32);

impl FrameOffset {
    /// Before every frame.
    pub(crate) const MIN: Self = Self(0);
    /// Beyond every frame but the last that is possible.
    pub(crate) const MAX: Self = Self(u32::MAX);

    /// The offset of this many bytes; `None` when no frame can begin there.
    pub(crate) fn from_bytes(bytes: u64) -> Option<Self> {
        if !bytes.is_multiple_of(UNIT) {
            return None;
        }
        u32::try_from(bytes / UNIT).ok().map(Self)
    }

    /// In bytes.
    pub(crate) fn bytes(self) -> u64 {
        u64::from(self.0) * UNIT
    }

    /// Of a row of a part; `None` when no part holds so many.
    pub(crate) fn of_row(row: u64) -> Option<Self> {
        u32::try_from(row).ok().map(Self)
    }

    /// Where a row of a part is said to begin, in bytes.
    pub(crate) const fn bytes_of_row(row: u64) -> u64 {
        row.saturating_mul(UNIT)
    }

    pub(super) const fn from_units(units: u32) -> Self {
        Self(units)
    }

    pub(super) const fn units(self) -> u32 {
        self.0
    }
}

impl fmt::Display for FrameOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.bytes(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::FrameOffset;

    #[test]
    fn an_offset_is_a_multiple_of_8_below_32_gib() {
        let last = u64::from(u32::MAX) * 8;
        for bytes in [0, 8, 4096, last] {
            assert_eq!(FrameOffset::from_bytes(bytes).unwrap().bytes(), bytes);
        }
        for bytes in [1, 7, 12, last + 8, u64::MAX] {
            assert_eq!(FrameOffset::from_bytes(bytes), None, "{bytes}");
        }
    }
}
