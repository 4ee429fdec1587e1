//! The import as a whole, on a store in memory.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::io::Write;

use allframe_cqrs::GlobalPosition;
use tempfile::NamedTempFile;

use crate::{
    import::Import,
    read_models::{ReadModels, Tally},
    store,
};

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

/// What the store tells after these files, and how many rows were rejected.
async fn import(files: &[&NamedTempFile]) -> anyhow::Result<(Tally, u64, u64)> {
    let store = store::open("memory")?;
    let mut import = Import::into(store.clone());
    for file in files {
        import.file(file.path()).await?;
    }
    let mut read_models = ReadModels::default();
    store.project(&mut read_models, GlobalPosition::START).await?;
    Ok((read_models.tally, store.stats().await?.total_events, import.rejected_rows()))
}

#[tokio::test]
async fn each_row_tells_the_whole_story_of_its_flight() {
    let (tally, events, rejected) = import(&[&file(&[HEADER, ARRIVED, CANCELLED, DIVERTED])]).await.unwrap();
    assert_eq!(tally, Tally { scheduled: 3, cancelled: 1, departed: 2, arrived: 1, diverted: 1 });
    assert_eq!((events, rejected), (8, 0));
}

#[tokio::test]
async fn the_same_file_twice_adds_nothing() {
    let file = file(&[HEADER, ARRIVED, CANCELLED, DIVERTED]);
    assert_eq!(import(&[&file, &file]).await.unwrap(), import(&[&file]).await.unwrap());
}

#[tokio::test]
async fn rows_that_make_no_sense_are_rejected_and_the_others_taken() {
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
    let (tally, events, rejected) = import(&[&file]).await.unwrap();
    assert_eq!(tally, Tally { scheduled: 1, departed: 1, arrived: 1, ..Tally::default() });
    assert_eq!((events, rejected), (3, 6));
}

#[tokio::test]
async fn a_file_that_is_no_csv_of_flights_is_an_error_that_says_so() {
    let other = file(&["carrier,name", "UA,United"]);
    let error = format!("{:#}", import(&[&other]).await.unwrap_err());
    assert!(error.contains("is no CSV file of flights") && error.contains("time_hour"), "{error}");

    let empty = file(&[]);
    let error = format!("{:#}", import(&[&empty]).await.unwrap_err());
    assert!(error.contains("is no CSV file of flights"), "{error}");
}
