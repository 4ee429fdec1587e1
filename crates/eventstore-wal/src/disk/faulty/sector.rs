//! How much a disk writes at once, or not at all.

use super::image::PAGE;

/// The bytes of a sector: a power of two, at most 4096.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectorSize(usize);

impl SectorSize {
    /// Sectors of so many bytes; `None` if there are no such sectors.
    #[must_use]
    pub const fn new(bytes: usize) -> Option<Self> {
        if bytes.is_power_of_two() && bytes <= PAGE { Some(Self(bytes)) } else { None }
    }

    /// How many bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.0
    }
}

/// 512 bytes: what disks promise at least.
impl Default for SectorSize {
    fn default() -> Self {
        Self(512)
    }
}
