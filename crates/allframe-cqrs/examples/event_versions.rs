//! The log of a ship, kept since 1987: what was written then is read as the type of today, and no program starts that could not.
//!
//! ```sh
//! cargo run -p allframe-cqrs --example event_versions --features schema
//! ```
//!
//! Three programs meet in one store. That of 1987 writes a position as a text. One of 1999 has a field more under the same
//! version, and is told so before it does harm. That of today has two numbers in place of the text, for which it takes a function, and
//! a count that was never written, which its field declares. docs/versioning.md and docs/schemas.md have the rest.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use allframe_cqrs::{EventStore, InMemoryBackend, VersionRegistry, event, schema::SchemaCheck};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[event(schema, rename = "Sighted")]
#[derive(Clone, Serialize, Deserialize)]
struct SightedIn1987 {
    what: String,
    place: String,
}

/// A field has come, and the version has stayed.
#[event(schema, rename = "Sighted")]
#[derive(Clone, Serialize, Deserialize)]
struct SightedIn1999 {
    what: String,
    place: String,
    seen_by: String,
}

#[event(schema, version = 3)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sighted {
    what: String,
    latitude: f64,
    longitude: f64,
    #[added(version = 3, default = 1)]
    #[schemars(range(min = 1))]
    count: u32,
}

/// From version 1 to version 2. From there to today's, the fields say it.
fn versions() -> VersionRegistry<Sighted> {
    VersionRegistry::new()
        .upcast_json(("Sighted", 1), ("Sighted", 2), |old: Value, _: &_| position_in_numbers(&old))
}

/// A text that is no position is an error of its event, and never passed over in silence.
fn position_in_numbers(old: &Value) -> Result<Value, String> {
    let place = old.get("place").and_then(Value::as_str).unwrap_or_default();
    let position = place.split_once(' ').and_then(|(north, east)| Some((degrees(north)?, degrees(east)?)));
    let (latitude, longitude) = position.ok_or_else(|| format!("`{place}` is no position"))?;
    Ok(json!({ "what": old.get("what"), "latitude": latitude, "longitude": longitude }))
}

/// `54.5N` is 54.5, `3.25W` is -3.25.
fn degrees(text: &str) -> Option<f64> {
    let is_positive = text.ends_with(['N', 'E']);
    let number: f64 = text.strip_suffix(['N', 'E', 'S', 'W'])?.parse().ok()?;
    Some(if is_positive { number } else { -number })
}

struct Told {
    refused_program: String,
    read: Vec<Sighted>,
    changes: Vec<String>,
    refused_event: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let told = tell().await?;
    println!("The program of 1999 does not start:\n{}\n", told.refused_program);
    println!("Today's reads:");
    told.read.iter().for_each(|sighted| println!("  {sighted:?}"));
    println!("\nSince 1987,");
    told.changes.iter().for_each(|change| println!("  {change}"));
    println!("\nWhat nobody has seen is not stored:\n{}", told.refused_event);
    Ok(())
}

async fn tell() -> anyhow::Result<Told> {
    let backend = InMemoryBackend::new();
    let whale = SightedIn1987 { what: "whale".into(), place: "54.5N 3.25W".into() };
    let in_1987 = EventStore::<SightedIn1987, _>::with_backend(backend.clone());
    let in_1987 = in_1987.with_schemas(SchemaCheck::default()).await?;
    in_1987.append("log-of-the-anna", vec![whale]).await?;

    let in_1999 = EventStore::<SightedIn1999, _>::with_backend(backend.clone());
    let Err(refused) = in_1999.with_schemas(SchemaCheck::default()).await else {
        anyhow::bail!("a program has started that cannot read what is stored")
    };
    let refused_program = refused.to_string();

    // With its upcasters first: what they read counts as read.
    let today = EventStore::<Sighted, _>::with_backend(backend).with_versions(versions())?;
    let today = today.with_schemas(SchemaCheck::default().validate_on_append()).await?;
    let lighthouse = Sighted { what: "lighthouse".into(), latitude: 54.75, longitude: -3.5, count: 2 };
    today.append("log-of-the-anna", vec![lighthouse.clone()]).await?;
    let Err(refused) = today.append("log-of-the-anna", vec![Sighted { count: 0, ..lighthouse }]).await else {
        anyhow::bail!("what does not fit its schema was stored")
    };
    let refused_event = refused.to_string();

    let changes = today.schema_registry().diff("Sighted", 1, 3).await?;
    let changes = changes.iter().map(ToString::to_string).collect();
    Ok(Told { refused_program, read: today.get_events("log-of-the-anna").await?, changes, refused_event })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_written_in_1987_is_read_as_todays_type_and_what_would_not_be_is_refused() {
        let told = tell().await.unwrap();
        let whale = Sighted { what: "whale".into(), latitude: 54.5, longitude: -3.25, count: 1 };
        let lighthouse = Sighted { what: "lighthouse".into(), latitude: 54.75, longitude: -3.5, count: 2 };
        assert_eq!(told.read, [whale, lighthouse]);

        let missing = "`/seen_by` is required to read it, and was never written";
        assert!(told.refused_program.contains(missing), "{}", told.refused_program);
        let fault = "`/count`: 0 is less than the minimum of 1";
        assert!(told.refused_event.contains(fault), "{}", told.refused_event);
        for change in ["`/place` was removed", "`/latitude` was added", "`/count` was added"] {
            assert!(told.changes.iter().any(|it| it.starts_with(change)), "{change}: {:?}", told.changes);
        }
    }

    #[test]
    fn a_place_that_is_no_position_is_an_error_that_names_it() {
        let told = position_in_numbers(&json!({ "what": "whale", "place": "off Skye" })).unwrap_err();
        assert_eq!(told, "`off Skye` is no position");
    }
}
