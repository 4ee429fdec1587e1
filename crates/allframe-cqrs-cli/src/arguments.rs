use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use eventstore_api::StreamId;

/// Looks into event stores, checks them, and moves events in and out of them.
#[derive(Parser)]
#[command(name = "eventstore", version, after_help = EXAMPLES, subcommand_required = true)]
pub(crate) struct Arguments {
    /// Which store: `wal:DIR`, the write-ahead log in a directory, `rocksdb:DIR`, a RocksDB database in one (where this is
    /// built with the feature `rocksdb`), `postgresql://HOST/DATABASE#SCHEMA`, a schema of a PostgreSQL database
    /// (`eventstore` where none is named), or `memory:`, an empty store that is forgotten at the end
    #[arg(long, global = true, value_name = "URL", env = "EVENTSTORE_STORE", hide_env_values = true)]
    pub(crate) store: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  eventstore --store wal:./data stats --json
  eventstore --store wal:./data import events.jsonl
  eventstore --store memory: import events.jsonl        # does the file hold good lines? stores nothing
  eventstore --store wal:./old export - | eventstore --store wal:./new import -
  eventstore --store wal:./data export - | eventstore --store postgresql://localhost/app import -
  eventstore --store wal:./data export - | eventstore --store rocksdb:./rocks import -
  EVENTSTORE_STORE=postgresql://localhost/app#billing eventstore tail --follow

Everything but import opens the store for reading only, and works while a service is writing to it. Import makes the
tables of a PostgreSQL store where there are none. A password is better kept in the environment than on the command
line, which others can see; it is never shown.

Exit codes: 0 done (verify: the store is sound), 1 failed on the way (verify: the store is damaged),
2 wrong usage, or the store or a file cannot be opened (verify: it could not be checked).";

#[derive(Subcommand)]
pub(crate) enum Command {
    Import(ImportArguments),
    Export(ExportArguments),
    Verify(VerifyArguments),
    Stats(StatsArguments),
    Inspect(InspectArguments),
    Tail(TailArguments),
    #[cfg(feature = "schemas")]
    Schemas(SchemasArguments),
}

/// Append the events of a file in their order: one JSON object a line, or a Parquet file of events
///
/// A Parquet file, as export writes it, is known by its first bytes. It needs the feature `parquet`, and cannot come through
/// standard input. What follows is about lines; ids, batches and `--ack` are the same for both.
///
/// A line has `stream`, `type` and `data` (any JSON), and optionally `id` (a UUID; one is made where there is none),
/// `metadata` (an object of strings), `tags` (a list of `key:value`) and `schema_version` (1 where it is not said). In the
/// place of `data` there may be `data_base64` and `encoding` (a number), for payloads that are not JSON. `version`,
/// `position` and `recorded_at`, which export writes, are ignored: the store gives its own. Any other field is an error.
///
/// Lines with an id are safe to import again: what is in the store already is counted, and not stored twice. Lines without
/// one are new events every time. The import stops at the first bad line; what stands before it is imported.
///
/// The lines become durable in batches of up to 1,000 events or 1 MiB, in a PostgreSQL store of up to 10,000 or 8 MiB.
#[derive(Args)]
pub(crate) struct ImportArguments {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Print `acked N` after each batch that is durable; N counts the lines taken so far
    #[arg(long)]
    pub(crate) ack: bool,
}

/// Write all events in their order, as JSON lines or a Parquet file, as import takes them
///
/// In JSON lines, a payload that is not JSON is written as `data_base64` and `encoding`. JSON is written without white space
/// between its parts, and otherwise as it is stored. A file is replaced when the export is complete, and not before. Events that are
/// appended during the export are left out.
#[derive(Args)]
pub(crate) struct ExportArguments {
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    pub(crate) format: Format,

    /// Only the events after this position
    #[arg(long, value_name = "POSITION", default_value_t = 0, hide_default_value = true)]
    pub(crate) after: u64,

    /// Of a damaged store, write every event that is whole, also behind the damage; says what is damaged, and ends with 1.
    /// Not for PostgreSQL, whose files are its server's
    #[arg(long, conflicts_with = "after")]
    pub(crate) salvage: bool,

    /// The file; `-` and `/dev/stdout` are standard output
    #[arg(value_name = "OUT")]
    pub(crate) out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object a line
    Jsonl,
    /// A Parquet file: everything as it is stored, in columns that other tools read
    #[cfg(feature = "parquet")]
    Parquet,
}

/// Check every checksum, version, position and index
///
/// Says where the store is damaged, exactly; of a RocksDB store, the first place, and which events cannot be read. Changes
/// nothing. Of a PostgreSQL store, whose files are its server's, it reads
/// every event, and checks what every store promises: positions rise by one, versions too in each stream, time does not run
/// backwards, no id is twice in a stream, and the counts are those of what was read. It remembers all ids meanwhile, some 100 MB
/// for a million events.
#[derive(Args)]
pub(crate) struct VerifyArguments {
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Say how much the store holds
#[derive(Args)]
pub(crate) struct StatsArguments {
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show the events of a stream, and its snapshot
#[derive(Args)]
pub(crate) struct InspectArguments {
    /// The name of the stream
    pub(crate) stream: StreamId,

    /// Print the events as export does
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show the last events of the store
#[derive(Args)]
pub(crate) struct TailArguments {
    /// How many events
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) last: usize,

    /// Go on with those that come, until interrupted; also when a server is away for a while
    #[arg(long, short)]
    pub(crate) follow: bool,

    /// Print the events as export does
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show the schemas of events that are registered in a store, and compare schemas
///
/// Programs that make their stores with schemas register them there. Names, versions and modes are those of the events.
#[cfg(feature = "schemas")]
#[derive(Args)]
pub(crate) struct SchemasArguments {
    #[command(subcommand)]
    pub(crate) command: SchemasCommand,
}

#[cfg(feature = "schemas")]
#[derive(Subcommand)]
pub(crate) enum SchemasCommand {
    /// Name all events of which schemas are registered, with their versions and modes
    List {
        /// Print one line of JSON for each
        #[arg(long)]
        json: bool,
    },
    /// Show the JSON schema of an event as it is written
    Show {
        /// The name under which the event is stored
        name: String,

        /// Which version of it; the highest where none is said
        version: Option<u32>,

        /// As it is read instead: what may be missing is not required there
        #[arg(long)]
        read: bool,
    },
    /// Say what has changed from one version of an event to another
    Diff {
        /// The name under which the event is stored
        name: String,

        /// The earlier version
        from: u32,

        /// The later version
        to: u32,

        /// Print one line of JSON for each change
        #[arg(long)]
        json: bool,
    },
    /// Check that schemas which are to be released fit those that were; ends with 1 where they do not
    ///
    /// Each side is a folder of schema files, `NAME.vN.json`, as the tests of a program write them, or the URL of a store. That
    /// upcasters read the versions before today's, the program itself checks when it starts.
    Check {
        /// The schemas that were released: a folder, or a store
        #[arg(value_name = "OLD")]
        old: String,

        /// The schemas that are to be
        #[arg(value_name = "NEW")]
        new: String,

        /// Who has to read what whom wrote: none, backward, forward, full, or one of these with `_transitive`
        #[arg(long, default_value = "backward_transitive")]
        mode: allframe_cqrs::schema::CompatibilityMode,

        /// Print one line of JSON for each problem
        #[arg(long)]
        json: bool,
    },
}
