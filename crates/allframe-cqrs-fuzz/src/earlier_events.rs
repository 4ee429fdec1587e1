//! Events as programs of earlier versions may have written them: read through the history of their fields, and upcasters.

use allframe_cqrs::{VersionRegistry, event, versioning::testing::Reader};
use eventstore_api::{Encoding, EventType, NewEvent};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    input::Input,
    target::{Finding, Outcome, ensure, must},
};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum AccountEvent {
    #[event(version = 4, unchanged(4))]
    Deposited {
        #[renamed(from = "euros", version = 2)]
        #[converted(version = 2, try_with = cents)]
        cents: u64,
        #[added(version = 3, default = "EUR")]
        currency: String,
    },
    #[event(version = 2)]
    Closed {
        #[removed(version = 2)]
        reason: Option<String>,
        at: i64,
    },
}

fn cents(euros: u64) -> Result<u64, String> {
    euros.checked_mul(100).ok_or_else(|| format!("{euros} euros are more than there are"))
}

/// What is called otherwise now, and was two things.
fn versions() -> VersionRegistry<AccountEvent> {
    VersionRegistry::new().upcast_json(("Moved", 1), ("Deposited", 1), |old: Value, _: &_| {
        old.get("amount").map(|amount| json!({ "euros": amount })).ok_or("nothing was moved")
    })
}

/// The input: the type (1 byte), the version (1 byte), how it is encoded (1 byte), and the payload.
pub(crate) fn read(data: &[u8]) -> Result<Outcome, Finding> {
    let mut input = Input::new(data);
    let name = ["Deposited", "Closed", "Moved", "Unknown"].get(usize::from(input.byte() % 4));
    let Ok(event_type) = EventType::new(*name.unwrap_or(&"Unknown")) else { return Ok(Outcome::Refused) };
    let version = u32::from(input.byte() % 7);
    let encoding = [Encoding::JSON, Encoding::BINCODE].get(usize::from(input.byte() % 2));
    let stored = NewEvent::new(event_type, input.rest().to_vec())
        .with_schema_version(version)
        .with_encoding(*encoding.unwrap_or(&Encoding::JSON));
    let reader = must("the registry", Reader::<AccountEvent>::with_versions(versions()))?;
    let Ok(read) = reader.read_stored(stored.clone()) else { return Ok(Outcome::Refused) };
    let again = must("what was read before", reader.read_stored(stored))?;
    ensure(read == again, || format!("read again, {read:?} is {again:?}"))?;
    // As it would be written today.
    for event in &read {
        let today = must("an event of today", reader.read(event))?;
        ensure(today == [event.clone()], || format!("{event:?} is read as {today:?}"))?;
    }
    Ok(if read.is_empty() { Outcome::Refused } else { Outcome::Read })
}

pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let seed = |head: [u8; 3], payload: &str| [&head, payload.as_bytes()].concat();
    vec![
        ("euros", seed([0, 1, 0], r#"{"euros":42}"#)),
        ("cents", seed([0, 2, 0], r#"{"cents":4200}"#)),
        ("currency", seed([0, 3, 0], r#"{"cents":4200,"currency":"CHF"}"#)),
        ("today", seed([0, 4, 0], r#"{"cents":4200,"currency":"CHF"}"#)),
        ("reason", seed([1, 1, 0], r#"{"reason":"moved away","at":-7}"#)),
        ("closed", seed([1, 2, 0], r#"{"at":7}"#)),
        ("moved", seed([2, 1, 0], r#"{"amount":3}"#)),
        ("binary", vec![0, 3, 1, 251, 104, 16, 3, b'C', b'H', b'F']),
        ("too-much", seed([0, 1, 0], r#"{"euros":18446744073709551615}"#)),
    ]
}
