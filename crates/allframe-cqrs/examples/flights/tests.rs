//! The program as a whole: what it prints for the files it is given.

use std::io::Write;

use clap::Parser;
use tempfile::NamedTempFile;

use crate::{arguments::Arguments, run};

const HEADER: &str = "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,\
                      flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour";
const ARRIVED: &str =
    "2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z";
const CANCELLED: &str =
    "2013,1,1,NA,1630,NA,NA,1815,NA,EV,4308,N18120,EWR,RDU,NA,416,16,30,2013-01-01T21:00:00Z";
const DIVERTED: &str =
    "2013,1,1,1525,1530,-5,1934,1805,NA,MQ,4525,N719MQ,LGA,XNA,NA,1147,15,30,2013-01-01T20:00:00Z";

fn file(lines: &[&str]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    for line in lines {
        writeln!(file, "{line}").unwrap();
    }
    file
}

/// What the program prints on standard output and on standard error.
async fn flights<'a>(arguments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<(String, String)> {
    let arguments = Arguments::try_parse_from(std::iter::once("flights").chain(arguments))?;
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    run(arguments, &mut output, &mut errors).await?;
    Ok((String::from_utf8(output)?, String::from_utf8(errors)?))
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
async fn an_unknown_store_and_a_missing_file_are_errors() {
    for (arguments, expected) in [
        (["--store", "sqlite:x"], "`sqlite:x` is no store that this program knows; it knows `memory`"),
        (["no-such-file.csv", "--json"], "cannot open no-such-file.csv"),
    ] {
        let error = format!("{:#}", flights(arguments).await.unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
}
