//! The program on a PostgreSQL server.

use clap::Parser;

use crate::{
    program::{arguments::Arguments, import_and_project, punctuality::AirlineRecord, store},
    schema::Schema,
    trial::{ARRIVED, CANCELLED, DIVERTED, HEADER, file, flights_in},
};

#[tokio::test]
async fn the_first_week_is_told_as_by_the_other_stores_and_a_second_run_adds_nothing() {
    let schema = Schema::new();
    let in_memory = flights_in("memory", []).await.unwrap();
    for store in [format!("postgres:{}", schema.url()), schema.url()] {
        assert_eq!(flights_in(&store, []).await.unwrap(), in_memory, "{store}");
    }
}

#[tokio::test]
async fn two_runs_at_once_are_as_good_as_one() {
    let schema = Schema::new();
    schema.open().await;
    let file = file(&[HEADER, ARRIVED, CANCELLED, DIVERTED]);
    let (url, path) = (schema.url(), file.path().to_str().unwrap());
    let (one, other) = tokio::join!(flights_in(&url, [path, "--json"]), flights_in(&url, [path, "--json"]));
    one.unwrap();
    other.unwrap();
    assert_eq!(
        flights_in(&url, [path, "--json"]).await.unwrap(),
        flights_in("memory", [path, "--json"]).await.unwrap()
    );
}

#[tokio::test]
async fn two_runs_of_sagas_at_once_tell_what_one_would() {
    let schema = Schema::new();
    schema.open().await;
    let url = schema.url();
    let arguments = ["--json", "--sagas"];
    let (one, other) = tokio::join!(flights_in(&url, arguments), flights_in(&url, arguments));
    let in_memory = flights_in("memory", arguments).await.unwrap().0;
    assert_eq!([one.unwrap().0, other.unwrap().0], [in_memory.clone(), in_memory]);
}

#[tokio::test]
async fn a_password_is_not_repeated_in_an_error() {
    // A port on which nothing listens; a name that is none of a schema; a scheme that is none.
    for (store, expected) in [
        (
            "postgres:postgresql://ann:secret@127.0.0.1:1/app",
            "cannot open the store on PostgreSQL, schema eventstore: ",
        ),
        (
            "postgresql://ann:secret@127.0.0.1:1/app#flights",
            "cannot open the store on PostgreSQL, schema flights: ",
        ),
        ("postgres://ann:secret@127.0.0.1:1/app#No", "`No` is no name of a schema"),
        ("postgres:ann:secret@127.0.0.1:1/app", "`postgres:` names no database"),
        ("postgre://ann:secret@127.0.0.1:1/app", "`postgre` is no store that this program knows"),
    ] {
        let error = format!("{:#}", flights_in(store, []).await.unwrap_err());
        assert!(error.starts_with(expected) && !error.contains("secret"), "{error}");
    }
}

/// The query in the documentation, which is what people copy.
fn documented_query() -> String {
    const PAGE: &str = include_str!("../../../../docs/postgres-schema.md");
    let (_, section) = PAGE.split_once("## SQL for people").unwrap();
    let (_, query) = section.split_once("```sql\n-- Punctuality per airline").unwrap();
    format!("-- Punctuality per airline{}", query.split_once("```").unwrap().0)
}

#[tokio::test]
async fn sql_straight_over_the_events_tells_what_the_read_model_tells() {
    let schema = Schema::new();
    let arguments = Arguments::parse_from(["flights", "--store", &schema.url()]);
    let store = store::open(&arguments.store).await.unwrap();
    let report = import_and_project(&store, &arguments, &mut Vec::new()).await.unwrap();

    let rows = schema.sql(&documented_query()).await;
    let told = report.airlines();
    assert_eq!(rows.len(), told.len());
    assert_eq!(told.len(), 15);
    for (row, (carrier, record)) in rows.iter().zip(told) {
        let AirlineRecord { scheduled, cancelled, arrived, on_time, .. } = *record;
        let counted = ["flights", "cancelled", "arrived", "on_time"].map(|name| row.get::<_, i64>(name));
        let expected = [scheduled, cancelled, arrived, on_time].map(|count| i64::try_from(count).unwrap());
        assert_eq!((row.get::<_, &str>("airline"), counted), (carrier.as_str(), expected));
        let percent: f64 = row.get("on_time_percent");
        assert!((percent - record.on_time_share() * 100.0).abs() < 0.051, "{carrier}: {percent}");
        let delay: Option<f64> = row.get("mean_delay_minutes");
        let (delay, expected) = (delay.unwrap(), record.mean_arrival_delay().unwrap());
        assert!((delay - expected).abs() < 0.051, "{carrier}: {delay} and {expected}");
    }
}
