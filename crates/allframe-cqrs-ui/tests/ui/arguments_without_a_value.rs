use allframe_cqrs::{Row, command, command_handler, event, projection};
use serde::{Deserialize, Serialize};

#[event(crate)]
#[derive(Clone, Serialize, Deserialize)]
struct Opened;

#[event(prefix)]
#[derive(Clone, Serialize, Deserialize)]
struct Prefixed;

#[event(prefix = "")]
#[derive(Clone, Serialize, Deserialize)]
struct PrefixEmpty;

#[event(rename)]
#[derive(Clone, Serialize, Deserialize)]
struct Renamed;

#[event(aliases = "a")]
#[derive(Clone, Serialize, Deserialize)]
struct Aliased;

#[event(aliases())]
#[derive(Clone, Serialize, Deserialize)]
struct AliasedByNothing;

#[event(upcasters = "upcasters")]
#[derive(Clone, Serialize, Deserialize)]
struct Upcast;

#[command(stream)]
struct Open;

#[command(json = true)]
struct InJson;

#[command(name = open)]
struct Named;

#[command_handler(events)]
async fn open(_command: Open) {}

#[command_handler(events = "Opened")]
async fn open_by_name(_command: Open) {}

#[projection(name, version = 1)]
#[derive(Clone, Default, Serialize, Deserialize)]
struct Turnover;

#[projection(name = "a", version = "1")]
#[derive(Clone, Default, Serialize, Deserialize)]
struct TurnoverOfText;

#[projection(name = "a", version = 1, configure = inline())]
#[derive(Clone, Default, Serialize, Deserialize)]
struct TurnoverConfigured;

#[derive(Row, Clone)]
#[row(crate)]
struct Flight {
    #[key]
    number: u32,
}

fn main() {}
