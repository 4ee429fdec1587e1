//! What is counted and measured, under the names that the documentation has.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    process::{Answer, Service},
    until::until,
};

const PAGE: &str = include_str!("../../../../docs/observability.md");

/// What a service may have nothing to tell of on a good day.
const RARE: &[&str] = &["allframe_command_retries_total", "allframe_projection_faults_total"];

async fn told(service: &Service) -> String {
    service.get("/metrics").send().await.unwrap().text().await.unwrap()
}

/// The families that are told, with their kinds.
fn families(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    lines.map(|line| line.split_once(' ').unwrap()).collect()
}

/// The names and kinds in the table of metrics.
fn documented() -> BTreeMap<&'static str, &'static str> {
    let table = PAGE.split("\n## ").find(|section| section.starts_with("Metrics")).unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let mut cells = row.split(" | ");
        (cells.next().unwrap().trim_end_matches('`'), cells.next().unwrap())
    })
    .collect()
}

/// A day in the studio on which everything happens.
async fn a_day(service: &Service) {
    service.publish("yoga", 1).await;
    service.top_up("ann", 500).await;
    service.book("ann-1", "yoga", "ann", 1).await;
    service.settled("ann-1").await;
    service.book("bob-1", "yoga", "bob", 1).await;
    service.settled("bob-1").await;
    Answer::of(service.post("TopUpWallet", &json!({}))).await;
    Answer::of(service.get("/wallets/ann")).await;
}

#[tokio::test]
async fn what_is_told_is_documented_and_what_is_documented_is_told() {
    let service = Service::in_memory().await;
    a_day(&service).await;
    let documented = documented();
    // How many sagas are open is told a little later than what became of them.
    until("all is told that is documented", async || {
        let text = told(&service).await;
        let told = families(&text);
        for (name, kind) in &told {
            assert_eq!(documented.get(name), Some(kind), "`{name}` is told");
        }
        let mut untold = documented.keys().filter(|name| !told.contains_key(*name));
        untold.all(|name| RARE.contains(name)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_has_happened_is_counted() {
    let service = Service::in_memory().await;
    a_day(&service).await;
    for line in [
        r#"allframe_commands_total{command="PublishWorkshop",outcome="ok"} 1"#,
        r#"allframe_commands_total{command="TopUpWallet",outcome="invalid"} 1"#,
        r#"allframe_commands_total{command="ChargeWallet",outcome="ok"} 1"#,
        r#"allframe_sagas_total{saga="booking",outcome="completed"} 1"#,
        r#"allframe_sagas_total{saga="booking",outcome="compensated"} 1"#,
        r#"allframe_sagas_open{saga="booking",status="running"} 0"#,
        r#"allframe_projection_running{projection="wallets"} 1"#,
        r#"http_server_request_duration_seconds_count{method="POST",route="/commands/{command}",status="400"} 1"#,
    ] {
        until(line, async || told(&service).await.lines().any(|told| told == line).then_some(())).await;
    }
    // Durations are told in buckets, which can be added up over several processes.
    let text = told(&service).await;
    assert!(
        text.contains(r#"allframe_store_operation_duration_seconds_bucket{operation="append",le="0.005"}"#)
    );
}

/// Neither what people make up as commands and paths nor their ids become labels.
#[tokio::test]
async fn nobody_outside_makes_up_labels() {
    let service = Service::in_memory().await;
    Answer::of(service.post("MadeUp", &json!({}))).await;
    Answer::of(service.get("/workshops/made-up")).await;
    Answer::of(service.get("/made/up")).await;
    let text = told(&service).await;
    assert!(!text.contains("MadeUp") && !text.contains("made-up") && !text.contains("made/up"), "{text}");
    assert!(text.contains(r#"allframe_commands_total{command="unknown",outcome="unhandled"} 1"#), "{text}");
}
