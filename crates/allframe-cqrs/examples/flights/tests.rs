//! The program as a whole: what it prints for the files it is given.

use std::{
    io::{self, Write},
    process::{Command, ExitCode, Termination},
};

use clap::Parser;
use tempfile::{NamedTempFile, TempDir};

use crate::{
    program::{arguments::Arguments, run},
    trial::{ARRIVED, CANCELLED, DIVERTED, HEADER, file, flights_in},
};

/// What the program prints on standard output and on standard error, when it keeps its events in memory.
async fn flights<'a>(arguments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<(String, String)> {
    flights_in("memory", arguments).await
}

async fn counts(files: &[&NamedTempFile]) -> anyhow::Result<String> {
    let files = files.iter().map(|file| file.path().to_str().unwrap());
    Ok(flights(files.chain(["--json"])).await?.0)
}

#[tokio::test]
async fn the_first_week_of_january_2013_as_a_person_sees_it() {
    let (output, errors) = flights([]).await.unwrap();
    insta::assert_snapshot!(output);
    assert_eq!(errors, "");
}

#[tokio::test]
async fn the_first_week_of_january_2013_as_a_program_sees_it() {
    assert_eq!(
        flights(["--json"]).await.unwrap().0,
        "{\"scheduled\":6099,\"cancelled\":35,\"departed\":6064,\"arrived\":6043,\"diverted\":21,\
         \"events\":18262,\"streams\":6099,\"rejected_rows\":0}\n"
    );
}

#[tokio::test]
async fn each_row_tells_the_whole_story_of_its_flight() {
    insta::assert_snapshot!(counts(&[&file(&[HEADER, ARRIVED, CANCELLED, DIVERTED])]).await.unwrap(), @r#"{"scheduled":3,"cancelled":1,"departed":2,"arrived":1,"diverted":1,"events":8,"streams":3,"rejected_rows":0}"#);
}

#[tokio::test]
async fn the_same_file_twice_adds_nothing() {
    let file = file(&[HEADER, ARRIVED, CANCELLED, DIVERTED]);
    assert_eq!(counts(&[&file, &file]).await.unwrap(), counts(&[&file]).await.unwrap());
}

#[tokio::test]
async fn rows_that_make_no_sense_are_rejected_with_their_line_and_the_others_taken() {
    let file = file(&[
        HEADER,
        &ARRIVED.replace("1545", "fifteen"),
        &ARRIVED.replace("517,515", "577,515"),
        "2013,1,1",
        &ARRIVED.replace(",UA,", ",,"),
        &ARRIVED.replace(",517,", ",NA,"),
        ARRIVED,
        &ARRIVED.replace(",830,819,11,", ",830,819,12,"),
    ]);
    let path = file.path().to_str().unwrap();
    let (output, errors) = flights([path, "--json"]).await.unwrap();
    insta::assert_snapshot!(output, @r#"{"scheduled":1,"cancelled":0,"departed":1,"arrived":1,"diverted":0,"events":3,"streams":1,"rejected_rows":6}"#);
    insta::assert_snapshot!(errors.replace(path, "FILE"));
}

#[tokio::test]
async fn a_file_that_is_no_csv_of_flights_is_an_error_that_says_so() {
    for lines in [&["carrier,name", "UA,United"][..], &[]] {
        let error = format!("{:#}", counts(&[&file(lines)]).await.unwrap_err());
        assert!(error.contains("is no CSV file of flights") && error.contains("time_hour"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_file_is_an_error() {
    let error = format!("{:#}", flights(["no-such-file.csv", "--json"]).await.unwrap_err());
    assert!(error.contains("cannot open no-such-file.csv"), "{error}");
}

/// What is printed on standard error for a file of these bytes, and how many flights were taken of it.
async fn rejections(content: impl AsRef<[u8]>) -> (String, usize) {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content.as_ref()).unwrap();
    let path = file.path().to_str().unwrap();
    let (output, errors) = flights([path, "--json"]).await.unwrap();
    let counts: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(counts["rejected_rows"], errors.lines().count(), "{errors}");
    (errors.replace(path, "FILE"), usize::try_from(counts["streams"].as_u64().unwrap()).unwrap())
}

/// Why the only row of a file is rejected.
async fn rejection(row: &str) -> String {
    let (errors, taken) = rejections(format!("{HEADER}\n{row}\n")).await;
    assert_eq!(taken, 0, "{row} was taken");
    errors.strip_prefix("FILE:2: row rejected: ").unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn a_stray_quote_costs_the_row_that_it_is_in_and_no_other() {
    let in_the_last_field = DIVERTED.replace("2013-01-01T", "\"2013-01-01T");
    let (errors, taken) =
        rejections(format!("{HEADER}\n\"{ARRIVED}\n{CANCELLED}\n{in_the_last_field}\n{ARRIVED}")).await;
    let expected = [2, 4].map(|line| format!("FILE:{line}: row rejected: a quote is not closed\n"));
    assert_eq!((errors, taken), (expected.concat(), 2));
}

#[tokio::test]
async fn a_quoted_field_is_taken() {
    let (errors, taken) = rejections(format!("{HEADER}\n{}", ARRIVED.replace("EWR", "\"EWR\""))).await;
    assert_eq!((errors.as_str(), taken), ("", 1));
}

#[tokio::test]
async fn a_line_of_more_than_64_kib_is_rejected_and_the_next_one_taken() {
    let of_length = |row: &str, length: usize| {
        row.replace("N18120", &"N".repeat(length + "N18120".len() - CANCELLED.len()))
    };
    let longest = of_length(CANCELLED, 64 * 1024);
    let too_long = of_length(&CANCELLED.replace("4308", "4309"), 64 * 1024 + 1);
    for end in ["\n", "\r\n"] {
        let (errors, taken) =
            rejections([HEADER, &too_long, &longest, &too_long, ARRIVED, &too_long].join(end)).await;
        let expected =
            [2, 4, 6].map(|line| format!("FILE:{line}: row rejected: it is longer than 65536 bytes\n"));
        assert_eq!((errors, taken), (expected.concat(), 2));
    }
}

#[tokio::test]
async fn lines_are_counted_as_a_text_editor_counts_them() {
    for end in ["\n", "\r\n"] {
        let lines = ["", HEADER, "", "on line 4", ARRIVED, "", "  ", "on line 8", "", "on line 10", ""];
        let (errors, taken) = rejections(lines.join(end)).await;
        let expected = [4, 8, 10]
            .map(|line| format!("FILE:{line}: row rejected: it has 1 field(s) where 19 are expected\n"));
        assert_eq!((errors, taken), (expected.concat(), 1));
    }
}

#[tokio::test]
async fn a_byte_order_mark_before_the_header_is_no_part_of_it() {
    assert_eq!(rejections(format!("\u{feff}{HEADER}\n{ARRIVED}")).await, (String::new(), 1));
}

#[tokio::test]
async fn a_rejected_field_names_its_column() {
    for (row, expected) in [
        (
            ARRIVED.replace("1545", "fifteen"),
            "column `flight`: `fifteen` is not a whole number from 0 to 4294967295",
        ),
        (ARRIVED.replace("1545", "-5"), "column `flight`: `-5` is not a whole number from 0 to 4294967295"),
        (ARRIVED.replace("1545", ""), "column `flight` has no value"),
        (ARRIVED.replace(",11,", ",eleven,"), "column `arr_delay`: `eleven` is not a number of minutes"),
        (ARRIVED.replace(",2,", ",NA,"), "it departed, but column `dep_delay` has no value"),
        (
            ARRIVED.replace(",517,", ",577,"),
            "column `dep_time`: `577` is not a time of day, as `517` or `1530`",
        ),
        (ARRIVED.replace(",819,", ",NA,"), "column `sched_arr_time` has no value"),
        (ARRIVED.replace(",UA,", ",NA,"), "column `carrier` has no value"),
        (
            ARRIVED.replace(",11,", &format!(",\u{1b}{},", "1".repeat(999))),
            &format!("column `arr_delay`: `\\u{{1b}}{}...` is not a number of minutes", "1".repeat(39)),
        ),
    ] {
        assert_eq!(rejection(&row).await, expected, "{row}");
    }
}

#[tokio::test]
async fn a_field_that_is_not_utf_8_names_its_column() {
    let mut file = format!("{HEADER}\n{ARRIVED}").into_bytes();
    let tail_number = file.windows(6).position(|bytes| bytes == b"N14228").unwrap();
    file[tail_number] = 0xff;
    assert_eq!(
        rejections(file).await,
        ("FILE:2: row rejected: column `tailnum` is not UTF-8\n".to_owned(), 0)
    );
}

#[tokio::test]
async fn columns_may_stand_in_another_order_and_with_others() {
    let reversed = |line: &str| line.rsplit(',').collect::<Vec<_>>().join(",") + ",more";
    let wrong = ARRIVED.replace(",11,", ",eleven,");
    assert_eq!(
        rejections([HEADER, ARRIVED, &wrong, CANCELLED].map(reversed).join("\n")).await,
        ("FILE:3: row rejected: column `arr_delay`: `eleven` is not a number of minutes\n".to_owned(), 2)
    );
}

#[tokio::test]
async fn a_header_that_names_a_column_twice_is_an_error() {
    let file = file(&[&format!("{HEADER},carrier"), &format!("{ARRIVED},AA")]);
    let error = format!("{:#}", counts(&[&file]).await.unwrap_err());
    assert!(error.ends_with("its first line names the column(s) carrier more than once"), "{error}");
}

#[tokio::test]
async fn flights_of_airlines_whose_codes_run_into_the_number_are_told_apart() {
    let other = ARRIVED.replace("UA,1545", "UA1,545");
    assert_eq!(rejections([HEADER, ARRIVED, &other].join("\n")).await, (String::new(), 2));
}

#[tokio::test]
async fn what_is_no_code_of_an_airline_or_an_airport_is_rejected() {
    for code in ["U", "UAXX", "U-", "Ü1", "U "] {
        let expected = format!("column `carrier`: `{code}` is not 2 to 3 ASCII letters or digits");
        assert_eq!(rejection(&ARRIVED.replace(",UA,", &format!(",{code},"))).await, expected);
    }
    for code in ["EW", "KEWRX", "E-R", "EÜR"] {
        for (column, original) in [("origin", "EWR"), ("dest", "IAH")] {
            let expected = format!("column `{column}`: `{code}` is not 3 to 4 ASCII letters or digits");
            assert_eq!(rejection(&ARRIVED.replace(original, code)).await, expected);
        }
    }
}

#[tokio::test]
async fn what_is_no_hour_of_a_day_is_rejected() {
    for hour in [
        "2013-13-01T10:00:00Z",
        "2013-00-01T10:00:00Z",
        "2013-01-32T10:00:00Z",
        "2013-01-00T10:00:00Z",
        "2013-01-01T24:00:00Z",
        "2013-01-01T10:60:00Z",
        "2013-01-01T10:00:60Z",
        "2013-01-01T10:00:00",
        "2013-01-01 10:00:00Z",
        "2013-01-01T10:00:+0Z",
        "2013-01-01T10:00:00Z\r",
        "20130-1-01T10:00:00Z",
        "tomorrow",
    ] {
        let expected =
            format!("column `time_hour`: `{}` is not a time as `2013-01-01T10:00:00Z`", hour.escape_debug());
        let row = ARRIVED.replace("2013-01-01T10:00:00Z", &format!("\"{hour}\""));
        assert_eq!(rejection(&row).await, expected);
    }
}

#[tokio::test]
async fn who_rebuilds_brings_nothing_in() {
    let empty = flights(["--json", "--rebuild"]).await.unwrap();
    let nothing = "{\"scheduled\":0,\"cancelled\":0,\"departed\":0,\"arrived\":0,\"diverted\":0,\"events\":0,\
                   \"streams\":0,\"rejected_rows\":0}\n";
    assert_eq!(empty, (nothing.to_owned(), String::new()));
    for other in ["--watch", "flights.csv"] {
        let error = flights(["--rebuild", other]).await.unwrap_err().to_string();
        assert!(error.contains("cannot be used with"), "{error}");
    }
}

/// In a child process this test is the program that rebuilds.
#[tokio::test]
async fn in_a_pipe_a_rebuild_draws_no_bar() {
    const NAME: &str = "in_a_pipe_a_rebuild_draws_no_bar";
    const CHILD: &str = "FLIGHTS_TEST_REBUILDS";
    if let Ok(store) = std::env::var(CHILD) {
        let arguments = Arguments::parse_from(["flights", "--json", "--rebuild", "--store", &store]);
        return run(arguments, &mut io::stdout(), &mut io::stderr()).await.unwrap();
    }
    let directory = TempDir::new().unwrap();
    let store = format!("wal:{}", directory.path().display());
    let told = flights_in(&store, ["--json"]).await.unwrap().0;
    let mut child = Command::new(std::env::current_exe().unwrap());
    let child = child.args([NAME, "--nocapture"]).env(CHILD, store).output().unwrap();
    let output = String::from_utf8(child.stdout).unwrap();
    assert!(child.status.success() && output.contains(told.trim_end()), "{output}");
    assert_eq!(String::from_utf8(child.stderr).unwrap(), "");
}

/// In a child process this test is the program itself: the one argument of the child is the name of the test for the
/// test harness, and a file that does not exist for `main`.
#[test]
fn an_error_is_one_line_even_where_backtraces_are_asked_for() {
    const NAME: &str = "an_error_is_one_line_even_where_backtraces_are_asked_for";
    const CHILD: &str = "FLIGHTS_TEST_IS_THE_PROGRAM";
    if std::env::var_os(CHILD).is_some() {
        let exit_code = crate::main().report();
        assert_eq!(format!("{exit_code:?}"), format!("{:?}", ExitCode::FAILURE));
        return;
    }
    // The store of the default is made where the program runs.
    let directory = TempDir::new().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .current_dir(directory.path())
        .arg(NAME)
        .envs([(CHILD, "1"), ("RUST_BACKTRACE", "1"), ("RUST_TEST_NOCAPTURE", "1")])
        .output()
        .unwrap();
    let errors = String::from_utf8(child.stderr).unwrap();
    assert!(child.status.success(), "{errors}");
    assert!(errors.starts_with(&format!("error: cannot open {NAME}: ")), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
}
