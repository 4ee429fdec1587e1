use clap::{Parser, Subcommand};

#[cfg(feature = "schemas")]
use crate::commands::schemas::SchemasArguments;
#[cfg(feature = "toolkit")]
use crate::commands::{
    processes::ProcessesArguments, projections::ProjectionsArguments, sagas::SagasArguments,
};
use crate::{
    commands::{
        append::AppendArguments,
        bench::BenchArguments,
        export::ExportArguments,
        import::ImportArguments,
        inspect::InspectArguments,
        manual::{CompletionsArguments, ManArguments},
        migrate::MigrateArguments,
        recover::RecoverArguments,
        snapshots::SnapshotsArguments,
        stats::StatsArguments,
        streams::StreamsArguments,
        tail::TailArguments,
        verify::VerifyArguments,
    },
    exit::Exit,
};

/// Looks into event stores, checks them, and moves events in and out of them.
#[derive(Parser)]
#[command(
    name = "eventstore",
    version,
    after_help = after_help(),
    subcommand_required = true,
    max_term_width = 120
)]
pub(crate) struct Arguments {
    /// Which store: `wal:DIR`, the write-ahead log in a directory, `rocksdb:DIR`, a RocksDB database in one (where this is
    /// built with the feature `rocksdb`), `postgres://HOST/DATABASE#SCHEMA`, a schema of a PostgreSQL database
    /// (`eventstore` where none is named), or `memory:`, an empty store that is forgotten at the end
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "EVENTSTORE_STORE",
        hide_env_values = true,
        // Below what is a command's own.
        display_order = 900
    )]
    pub(crate) store: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  eventstore --store wal:./data stats --plot
  eventstore --store wal:./data inspect account-7
  eventstore --store wal:./data tail --follow --type Deposited --tag branch:7
  eventstore --store wal:./data append account-7 Deposited --data '{\"amount\":5}' --expected 3
  eventstore --store wal:./data import events.jsonl
  eventstore --store memory: import events.jsonl    # are its lines good? stores nothing
  eventstore migrate --from wal:./data --to postgres://localhost/app --follow
  eventstore --store wal:./old export - | eventstore --store wal:./new import -
  eventstore --store wal:./data export - | eventstore --store postgres://localhost/app import -
  EVENTSTORE_STORE=postgres://localhost/app#billing eventstore sagas --status parked

Only append, import, recover, bench, the target of migrate and what sagas changes open a store for writing; the others take no lock, and work while a \
service is writing. A password is better kept in the environment than on the command line, which others can see; it is \
never shown. Colours are for terminals, and off with NO_COLOR. With --json, an error is one JSON object on standard error.";

fn after_help() -> String {
    format!("{EXAMPLES}\n\n{}", Exit::help())
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Stats(StatsArguments),
    Streams(StreamsArguments),
    Inspect(InspectArguments),
    Tail(TailArguments),
    Append(AppendArguments),
    Import(ImportArguments),
    Export(ExportArguments),
    Verify(VerifyArguments),
    Recover(RecoverArguments),
    Migrate(MigrateArguments),
    Snapshots(SnapshotsArguments),
    #[cfg(feature = "toolkit")]
    Projections(ProjectionsArguments),
    #[cfg(feature = "toolkit")]
    Sagas(SagasArguments),
    #[cfg(feature = "toolkit")]
    Processes(ProcessesArguments),
    #[cfg(feature = "schemas")]
    Schemas(SchemasArguments),
    Bench(BenchArguments),
    Completions(CompletionsArguments),
    Man(ManArguments),
}

impl Command {
    /// Whether a program reads what is printed.
    pub(crate) fn is_for_programs(&self) -> bool {
        match self {
            Self::Stats(it) => it.json,
            Self::Streams(it) => it.json,
            Self::Inspect(it) => it.json,
            Self::Tail(it) => it.json,
            Self::Append(it) => it.json,
            Self::Verify(it) => it.json,
            Self::Recover(it) => it.json,
            Self::Migrate(it) => it.json,
            Self::Snapshots(it) => it.json,
            Self::Bench(it) => it.json,
            #[cfg(feature = "toolkit")]
            Self::Projections(it) => it.json,
            #[cfg(feature = "toolkit")]
            Self::Sagas(it) => it.json,
            #[cfg(feature = "toolkit")]
            Self::Processes(it) => it.json,
            #[cfg(feature = "schemas")]
            Self::Schemas(it) => it.is_for_programs(),
            Self::Import(it) => it.json,
            Self::Export(it) => it.json,
            // What they print is no report.
            Self::Completions(_) | Self::Man(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_that_reports_does_so_for_programs() {
        for command in Arguments::command().get_subcommands() {
            let name = command.get_name();
            let of_it = command.get_subcommands();
            let mut all: Vec<_> = of_it.filter(|it| it.get_name() != "help").collect();
            all.push(command);
            let has = |it: &&clap::Command| it.get_arguments().any(|argument| argument.get_id() == "json");
            assert_eq!(all.iter().any(has), !["completions", "man"].contains(&name), "{name}");
        }
    }
}
