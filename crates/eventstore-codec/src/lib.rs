#![doc = include_str!("../README.md")]

mod error;
mod payload;
mod whole;

pub use error::{DecodeError, EncodeError};
pub use payload::{decode_payload, encode_payload};
