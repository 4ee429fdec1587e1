//! `cargo xtask bench`: the criterion benches.

use crate::chore::Chore;
use crate::process::Process;
use crate::rocksdb::tools::Tools;

/// The package of the benches.
pub(crate) const PACKAGE: &str = "eventstore-benches";

/// The profile `bench` differs by where it keeps line numbers, and would compile the C++ again for it.
const IN_RELEASE: [&str; 2] = ["--profile", "release"];

pub(crate) const CHORE: Chore = Chore {
    name: "bench",
    summary: "run the criterion benches",
    help: "\
cargo xtask bench [--rocksdb] [arguments of cargo bench] [-- arguments of criterion]

  --rocksdb                                    RocksDB too, which is compiled from source: ten minutes, once.
                                               In the profile `release`, for which it may be compiled already
  cargo xtask bench --bench append             one file of benches
  cargo xtask bench -- replay                  benches by name
  cargo xtask bench -- --save-baseline before  to compare with later: -- --baseline before",
    run,
};

/// The option, which is ours and not cargo's.
const WITH_ROCKSDB: &str = "--rocksdb";

fn run(arguments: &[String]) -> anyhow::Result<()> {
    let mut of_cargo = arguments.iter().take_while(|it| *it != "--");
    if of_cargo.any(|it| it == WITH_ROCKSDB) {
        Tools::require()?;
    }
    all_benches(arguments).run()
}

/// The bench run, with `arguments` added.
pub(crate) fn all_benches(arguments: &[String]) -> Process {
    let end = arguments.iter().position(|it| it == "--").unwrap_or(arguments.len());
    let (of_cargo, of_criterion) = arguments.split_at(end);
    let mut bench = Process::cargo(["bench", "-p", PACKAGE]);
    if of_cargo.iter().any(|it| it == WITH_ROCKSDB) {
        bench = bench.arguments(&IN_RELEASE).arguments(&["--features", "rocksdb"]);
    }
    // Not `--bench '*'`, which fails at the first file that wants a feature.
    if !of_cargo.iter().any(|it| it == "--benches" || it.split('=').next() == Some("--bench")) {
        bench = bench.arguments(&["--benches"]);
    }
    let of_cargo: Vec<&String> = of_cargo.iter().filter(|it| *it != WITH_ROCKSDB).collect();
    bench.arguments(&of_cargo).arguments(of_criterion)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(arguments: &[&str]) -> String {
        all_benches(&arguments.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()).to_string()
    }

    #[test]
    fn arguments_are_passed_on() {
        assert_eq!(line(&["--", "replay"]), "cargo bench -p eventstore-benches --benches -- replay");
    }

    #[test]
    fn a_chosen_file_is_run_alone() {
        assert_eq!(line(&["--bench", "append"]), "cargo bench -p eventstore-benches --bench append");
    }

    #[test]
    fn rocksdb_is_measured_where_it_is_asked_for_and_in_release() {
        let rocksdb = "cargo bench -p eventstore-benches --profile release --features rocksdb";
        assert_eq!(line(&["--rocksdb"]), format!("{rocksdb} --benches"));
        assert_eq!(
            line(&["--bench", "append", "--rocksdb", "--", "small"]),
            format!("{rocksdb} --bench append -- small")
        );
        assert_eq!(line(&["--", "--rocksdb"]), "cargo bench -p eventstore-benches --benches -- --rocksdb");
    }
}
