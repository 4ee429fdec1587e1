use std::{fs, io::Read, process::Stdio};

use crate::support::{FEW, Place, many};

#[test]
fn a_parquet_file_is_imported_as_it_was_exported() {
    let place = Place::new();
    place.import(FEW);
    assert_eq!(place.succeed("export --format parquet out.parquet"), "");
    let first = place.succeed("export -");

    let other = Place::new();
    fs::copy(place.path("out.parquet"), other.path("in.parquet")).unwrap();
    let count = first.lines().count();
    assert_eq!(other.succeed("import in.parquet"), format!("imported {count}, already there 0\n"));
    assert_eq!(other.succeed("import in.parquet"), format!("imported 0, already there {count}\n"));
    // The store gives its own times, and says them last.
    let without_times = |lines: &str| {
        let cut = |line: &str| line.split_once(r#","recorded_at":"#).unwrap().0.to_owned();
        lines.lines().map(cut).collect::<Vec<_>>()
    };
    assert_eq!(without_times(&other.succeed("export -")), without_times(&first));
}

#[test]
fn a_batch_of_rows_is_bounded_by_bytes_as_one_of_lines_is() {
    let place = Place::new();
    let line = |name: char| {
        format!("{{\"stream\":\"{name}\",\"type\":\"T\",\"data\":\"{}\"}}\n", "x".repeat(1 << 20))
    };
    place.import(&"abc".chars().map(line).collect::<String>());
    for format in ["jsonl", "parquet"] {
        place.succeed(&format!("export --format {format} out"));
        let acked = place.succeed("--store memory: import --ack out");
        assert_eq!(acked, "acked 1\nacked 2\nacked 3\n", "{format}");
    }
}

#[test]
fn parquet_goes_to_standard_output_too() {
    let place = Place::new();
    place.import(&many(5_000, 50));
    place.succeed("export --format parquet out.parquet");
    let output = place.command("export --format parquet -").output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, fs::read(place.path("out.parquet")).unwrap());
}

/// Its end has to be read first.
#[test]
fn parquet_is_not_taken_from_standard_input_which_is_said() {
    let place = Place::new();
    place.import(FEW);
    place.succeed("export --format parquet out.parquet");
    let outcome = place.run_with_input("import -", fs::read(place.path("out.parquet")).unwrap());
    assert_eq!(outcome.code, Some(2), "{outcome}");
    assert!(outcome.stderr.contains("error: standard input is Parquet"), "{outcome}");
    assert!(outcome.stderr.contains("name the file"), "{outcome}");
}

#[test]
fn a_damaged_parquet_file_is_refused_with_its_name() {
    let place = Place::new();
    place.import(&many(5_000, 50));
    place.succeed("export --format parquet out.parquet");
    let mut bytes = fs::read(place.path("out.parquet")).unwrap();
    bytes[2_000] ^= 1;
    fs::write(place.path("out.parquet"), bytes).unwrap();
    let outcome = place.run("import out.parquet");
    assert_eq!(outcome.code, Some(1), "{outcome}");
    assert!(
        outcome.stderr.contains("error: out.parquet: the Parquet file is damaged: column `stream` of the rows from 3584 on: its checksum is wrong"),
        "{outcome}"
    );
    assert!(outcome.stderr.contains("hint: copy it from where it came"), "{outcome}");
}

#[test]
fn an_export_of_parquet_that_nobody_reads_to_its_end_is_no_failure() {
    let place = Place::new();
    place.import(&many(50_000, 7));
    let mut command = place.command("export --format parquet -");
    let mut export = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    export.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
    let mut errors = String::new();
    export.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((export.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
}
