use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::stores::Which;

#[derive(Parser)]
#[command(name = "kill")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) what: What,
}

#[derive(Subcommand)]
pub(crate) enum What {
    /// Lets processes append and kills them, and checks the store after each
    Rounds(Rounds),
    /// Appends until it is killed: what `rounds` starts
    Write(Write),
}

#[derive(Args)]
pub(crate) struct Rounds {
    /// How often a process is killed and the store checked
    #[arg(long, default_value_t = 200)]
    pub(crate) rounds: u32,

    /// Begin no round after so many seconds
    #[arg(long)]
    pub(crate) seconds: Option<u64>,

    /// Which store
    #[arg(long, value_enum, default_value = "wal")]
    pub(crate) store: Which,

    /// Where the directories of the stores are made
    #[arg(long, default_value = "target/kill")]
    pub(crate) directory: PathBuf,

    /// What is appended follows from this number, by chance where it is not given; when processes are killed does not
    #[arg(long)]
    pub(crate) seed: Option<u64>,
}

/// One process that appends.
#[derive(Args, Clone)]
pub(crate) struct Write {
    #[arg(long, value_enum)]
    pub(crate) store: Which,
    #[arg(long)]
    pub(crate) directory: PathBuf,
    #[arg(long)]
    pub(crate) seed: u64,
    /// Which of the processes that have appended to this directory, from 0.
    #[arg(long)]
    pub(crate) life: u32,
    #[arg(long)]
    pub(crate) tasks: u16,
    /// How large a segment is, of a log that has some.
    #[arg(long)]
    pub(crate) segment_bytes: u64,
}
