use bytes::Bytes;

/// `part` as a part of `buffer`, without copying it; a copy when it is none.
pub(crate) fn shared(part: &[u8], buffer: &Bytes) -> Bytes {
    let (within, whole) = (part.as_ptr_range(), buffer.as_ptr_range());
    // `slice_ref` panics otherwise.
    if whole.start <= within.start && within.end <= whole.end {
        buffer.slice_ref(part)
    } else {
        Bytes::copy_from_slice(part)
    }
}
