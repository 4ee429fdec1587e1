use eventstore_api::Version;

use crate::{DecodeError, input::Input, output::Output};

/// Writes versions behind what `out` holds already: one byte each up to 250, and 3, 5 or 9 beyond.
///
/// There is no format byte, and their number is not written: whoever reads them knows it.
///
/// ```
/// use eventstore_api::Version;
/// use eventstore_codec::{VersionsReader, encode_versions};
///
/// let mut trailer = Vec::new();
/// encode_versions([Version::new(7), Version::new(300)].into_iter(), &mut trailer);
/// assert_eq!(trailer.len(), 4);
///
/// let mut versions = VersionsReader::new(&trailer);
/// assert_eq!(versions.next_version()?, Version::new(7));
/// assert_eq!(versions.next_version()?, Version::new(300));
/// assert_eq!(versions.consumed(), trailer.len());
/// # Ok::<(), eventstore_codec::DecodeError>(())
/// ```
pub fn encode_versions(versions: impl Iterator<Item = Version>, out: &mut Vec<u8>) {
    let mut out = Output::new(out);
    for version in versions {
        out.put(&version.get());
    }
}

/// Reads what [`encode_versions`] wrote, one version after the other.
#[derive(Clone, Debug)]
pub struct VersionsReader<'b> {
    input: Input<'b>,
}

impl<'b> VersionsReader<'b> {
    /// Reads the versions that `bytes` begin with; other things may follow them.
    #[must_use]
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { input: Input::new(bytes) }
    }

    /// The next version. Only the caller knows how many there are.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Unreadable`] when the bytes there are no number, or have ended.
    pub fn next_version(&mut self) -> Result<Version, DecodeError> {
        self.input.integer("a version").map(Version::new).map_err(|error| *error)
    }

    /// How many bytes have been read.
    #[must_use]
    pub fn consumed(&self) -> usize {
        self.input.at()
    }
}
