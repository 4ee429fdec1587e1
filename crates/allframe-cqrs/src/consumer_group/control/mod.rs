//! What a group keeps in the store: its control streams, and the form of the events in them.

mod form;
mod ledger;
mod ledger_file;
mod partition_count;
mod records;
mod streams;
mod write;

pub(super) use form::{Definition, MemberNote, ParkedChange, ParkedEntry, PartitionState};
pub(super) use ledger::Ledger;
pub(super) use ledger_file::LedgerFile;
pub(super) use partition_count::PartitionCount;
pub(super) use records::{ControlEvent, from_record, to_event};
pub(super) use streams::{ControlStream, ControlStreams};
pub(super) use write::{PartitionWrite, Written, write_partitions};
