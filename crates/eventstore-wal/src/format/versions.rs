use eventstore_api::Version;

/// How many bytes each version takes at the end of a frame's body: as few as the greatest needs, all of them the same, so
/// that it is known where they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VersionWidth {
    One,
    Two,
    Four,
    Eight,
}

impl VersionWidth {
    pub(crate) const fn of(greatest: Version) -> Self {
        match greatest.get() {
            0..=0xff => Self::One,
            0x100..=0xffff => Self::Two,
            0x1_0000..=0xffff_ffff => Self::Four,
            _ => Self::Eight,
        }
    }

    pub(crate) const fn bytes(self) -> usize {
        1 << self.to_byte()
    }

    pub(super) const fn to_byte(self) -> u8 {
        match self {
            Self::One => 0,
            Self::Two => 1,
            Self::Four => 2,
            Self::Eight => 3,
        }
    }

    pub(super) const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::One),
            1 => Some(Self::Two),
            2 => Some(Self::Four),
            3 => Some(Self::Eight),
            _ => None,
        }
    }

    /// Writes a version that is no greater than the one the width was made for.
    pub(crate) fn put(self, version: Version, out: &mut Vec<u8>) {
        let bytes = version.get().to_le_bytes();
        out.extend_from_slice(bytes.get(..self.bytes()).unwrap_or(&bytes));
    }

    /// Splits a body into what stands before the versions of so many streams, and the versions.
    pub(crate) fn split(self, body: &[u8], streams: u32) -> Option<(&[u8], impl Iterator<Item = Version>)> {
        let taken = usize::try_from(streams).ok()?.checked_mul(self.bytes())?;
        let (appends, versions) = body.split_at_checked(body.len().checked_sub(taken)?)?;
        Some((appends, versions.chunks_exact(self.bytes()).map(version)))
    }
}

fn version(bytes: &[u8]) -> Version {
    let mut wide = [0; 8];
    for (to, from) in wide.iter_mut().zip(bytes) {
        *to = *from;
    }
    Version::new(u64::from_le_bytes(wide))
}
