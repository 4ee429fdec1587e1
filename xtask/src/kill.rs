//! `cargo xtask kill`: a store on a real disk, and processes that are killed while they append, archive and copy.

use crate::chore::Chore;
use crate::process::Process;
use crate::rocksdb;
use crate::rocksdb::tools::Tools;
use crate::selection::values;

pub(crate) const CHORE: Chore = Chore {
    name: "kill",
    summary: "kill processes while they append to a store on disk, and check what they leave",
    help: "\
cargo xtask kill [--store wal|rocksdb] [--rounds N] [--seconds S] [--seed N] [--directory DIR]

  --store STORE    which store: wal where nothing is said; to compile rocksdb takes minutes, once
  --rounds N       how often, 200 where nothing is said
  --seconds S      begin no round after so many seconds
  --seed N         what is appended follows from it; when processes are killed does not
  --directory DIR  where the stores are made, target/kill where nothing is said: on a real disk, or it shows little

A child appends, several tasks at a time, and says what was acknowledged, and every other one archives meanwhile, or has the
store on RocksDB copied; it is killed at a random moment, one in ten times another one too that recovers what the first left.
Then the store is opened: all that was acknowledged is there with its content and its place, nothing is there by half,
nothing that was not submitted, and what was on its way can be appended again. The store on RocksDB is verified then, and so
are copies of it. The store grows for 50 rounds, then comes a new one. At the first violation it ends with code 1, and the directory
of the store stays. What the system has not written to the disk survives a kill: loss of power is what the crash tests of
eventstore-torture are for.",
    run,
};

fn run(arguments: &[String]) -> anyhow::Result<()> {
    if is_on_rocksdb(arguments) {
        Tools::require()?;
    }
    rounds(arguments).run()
}

/// The package of the program.
pub(crate) const PACKAGE: &str = "eventstore-torture";

/// What the program is told so that it kills the store on RocksDB.
pub(crate) const ON_ROCKSDB: [&str; 2] = ["--store", "rocksdb"];

/// The rounds, with `arguments` added. In release, of the parts that `cargo xtask crash` is made of too: more rounds fit in a minute,
/// and where both run nothing is compiled a second time.
pub(crate) fn rounds(arguments: &[String]) -> Process {
    let rocksdb: &[&str] = match is_on_rocksdb(arguments) {
        true => &["--features", "rocksdb"],
        false => &[],
    };
    Process::cargo(["run", "--quiet", "--package", PACKAGE, rocksdb::PROFILE])
        .arguments(rocksdb)
        .arguments(&["--bin", "kill", "--", "rounds"])
        .arguments(arguments)
}

fn is_on_rocksdb(arguments: &[String]) -> bool {
    let [option, store] = ON_ROCKSDB;
    values(arguments, &[option]).iter().any(|it| it == store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_passed_on() {
        let line = rounds(&["--rounds".to_owned(), "3".to_owned()]).to_string();
        assert_eq!(
            line,
            "cargo run --quiet --package eventstore-torture --release --bin kill -- rounds --rounds 3"
        );
    }

    #[test]
    fn the_store_on_rocksdb_is_compiled_only_where_it_is_named() {
        let line = rounds(&ON_ROCKSDB.map(str::to_owned)).to_string();
        assert_eq!(
            line,
            "cargo run --quiet --package eventstore-torture --release --features rocksdb --bin kill \
            -- rounds --store rocksdb"
        );
    }
}
