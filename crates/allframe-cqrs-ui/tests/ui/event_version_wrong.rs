use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(version = 0)]
#[derive(Clone, Serialize, Deserialize)]
struct Zero;

#[event(version = "2")]
#[derive(Clone, Serialize, Deserialize)]
struct Text;

#[event(version = -1)]
#[derive(Clone, Serialize, Deserialize)]
struct Negative;

#[event(version = 4294967296)]
#[derive(Clone, Serialize, Deserialize)]
struct TooBig;

#[event(version)]
#[derive(Clone, Serialize, Deserialize)]
struct Missing;

#[event(version = 2, version = 3)]
#[derive(Clone, Serialize, Deserialize)]
struct Twice;

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
enum OnTheEnum {
    Opened,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum OnAVariant {
    #[event(version = 0)]
    Opened,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum TwiceOnAVariant {
    #[event(version = 2)]
    #[event(version = 3)]
    Opened,
}

fn main() {}
