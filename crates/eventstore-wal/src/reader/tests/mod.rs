//! What a reader does with the files of a store, beside its writer.

mod snapshots;
mod streams;
