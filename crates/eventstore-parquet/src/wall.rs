//! What keeps a panic of the Parquet crates from becoming one of ours.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::error::ParquetError;

/// The decoder panics at some of what it does not understand. What was checked before does not come to that.
pub(crate) fn decoding<T>(decode: impl FnOnce() -> T) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(decode)).map_err(|panic| {
        let said = said(&*panic);
        ParquetError::damaged(format!("it makes no sense to the decoder: {said}"))
    })
}

fn said(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked")
}
