//! What the program is told, by a person and by itself.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
#[command(name = "soak")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) what: What,
}

#[derive(Subcommand)]
pub(crate) enum What {
    /// Lets the bank run and kills it, again and again, and checks the laws
    Run(Run),
    /// The bank, until it is killed: what `run` starts
    Live(Live),
}

#[derive(Args)]
pub(crate) struct Run {
    /// For so long, before the laws are checked
    #[arg(long, default_value_t = 10.0)]
    pub(crate) minutes: f64,

    /// What is written and when it is killed follow from this number, by chance where it is not given
    #[arg(long)]
    pub(crate) seed: Option<u64>,

    /// Where the directory of the store is made
    #[arg(long, default_value = "target/soak")]
    pub(crate) directory: PathBuf,
}

/// One life of the bank.
#[derive(Args, Clone)]
pub(crate) struct Live {
    #[arg(long)]
    pub(crate) directory: PathBuf,
    #[arg(long)]
    pub(crate) seed: u64,
    /// Which of its lives, from 0.
    #[arg(long)]
    pub(crate) life: u32,
    /// What was on its way when an earlier life ended, as `LIFE-TASK-NUMBER`: it is repeated first.
    #[arg(long)]
    pub(crate) repeat: Vec<String>,
    /// How far the reader of everything was, and what it had seen, as `POSITION-EVENTS-HASH`.
    #[arg(long)]
    pub(crate) seen: Option<String>,
}
