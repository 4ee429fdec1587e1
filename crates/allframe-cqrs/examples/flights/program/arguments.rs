use std::path::PathBuf;

/// Turns flights into events, and tells what the events tell.
#[derive(clap::Parser)]
#[command(name = "flights")]
pub(crate) struct Arguments {
    /// CSV files of flights, with the columns of the nycflights13 data set; the same file twice adds nothing
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/flights/data/flights-2013-01-week-1.csv"))]
    pub(crate) files: Vec<PathBuf>,

    /// Where the events are kept: `wal:DIR` is a directory in which they stay, `rocksdb:DIR` a RocksDB database in one (takes
    /// the feature `rocksdb`), `postgres:URL#SCHEMA` a schema of a PostgreSQL database (`eventstore` where none is named),
    /// `memory` forgets them at the end
    #[arg(long, default_value = "wal:./data/flights")]
    pub(crate) store: String,

    /// Bring nothing in: print what the read models tell, and again whenever another run has stored more, until stopped
    #[arg(long, conflicts_with = "files")]
    pub(crate) watch: bool,

    /// Bring nothing in: build the read models anew from the first event, beside those that serve, and print what they tell
    #[arg(long, conflicts_with_all = ["files", "watch"])]
    pub(crate) rebuild: bool,

    /// Then run a saga for each flight that was cancelled or diverted, which brings its passengers onto later ones, and print
    /// what became of them; what an earlier run has done is not done again
    #[arg(long, conflicts_with_all = ["watch", "rebuild"])]
    pub(crate) sagas: bool,

    /// Print the counts alone, as one line of JSON; those of the sagas as a second one
    #[arg(long)]
    pub(crate) json: bool,
}
