//! What every form that is written here has in common.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};

use crate::DecodeError;

/// bincode 2, little-endian, integers of variable length.
pub(crate) const FORMAT_1: u8 = 1;

/// The most bytes that decoding one value reads: a length that claims more is refused before anything is allocated for
/// it.
const CLAIM_LIMIT: usize = 64 << 20;

pub(crate) type Config = Configuration<LittleEndian, Varint, Limit<CLAIM_LIMIT>>;

/// Spelled out, so that a change of bincode's own default cannot change what is on disk.
pub(crate) const CONFIG: Config =
    bincode::config::standard().with_little_endian().with_variable_int_encoding().with_limit::<CLAIM_LIMIT>();

/// What follows the byte that names the format.
pub(crate) fn body_of(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    match bytes.split_first() {
        Some((&FORMAT_1, body)) => Ok(body),
        Some((&found, _)) => Err(DecodeError::UnknownFormat { found, known: FORMAT_1 }),
        None => Err(DecodeError::Empty),
    }
}
