//! Commands as others send them.

use allframe_cqrs::{CommandBus, CommandError, EventStore, command, event};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::target::{Finding, Outcome, ensure};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ordered {
    what: Value,
}

/// Fields of every form, with rules.
#[command(json, stream = "order-{order}")]
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    order: u32,
    #[validate(length(min = 1, max = 20))]
    customer: String,
    #[validate(range(min = -5, max = 1_000))]
    amount: i64,
    share: Option<f64>,
    #[serde(default)]
    notes: Vec<String>,
    to: Place,
    #[validate(dive)]
    lines: Vec<Line>,
}

#[derive(Debug, Serialize, Deserialize, allframe_cqrs::schemars::JsonSchema)]
#[schemars(crate = "allframe_cqrs::schemars")]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Place {
    Home,
    Shop { number: u16 },
    Other { words: std::collections::BTreeMap<String, Vec<u8>> },
}

#[derive(Debug, Serialize, Deserialize, garde::Validate, allframe_cqrs::schemars::JsonSchema)]
#[schemars(crate = "allframe_cqrs::schemars")]
struct Line {
    #[garde(ascii, length(max = 8))]
    item: String,
    #[garde(range(min = 1))]
    count: u8,
}

/// The input: JSON, which is a command or `[name, command]`.
pub(crate) fn dispatch(data: &[u8]) -> Result<Outcome, Finding> {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return Ok(Outcome::Refused) };
    let (name, value) = match value {
        Value::Array(mut parts) if parts.len() == 2 => match (parts.pop(), parts.pop()) {
            (Some(value), Some(Value::String(name))) => (name, value),
            _ => return Ok(Outcome::Refused),
        },
        value => ("Order".to_owned(), value),
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return Ok(Outcome::Refused);
    };
    runtime.block_on(async {
        let bus = CommandBus::builder(EventStore::new())
            .function(|command: Order| async move {
                let what = serde_json::to_value(&command).unwrap_or_default();
                vec![Ordered { what }]
            })
            .build();
        let Ok(bus) = bus else { return Err(Finding("the bus cannot be built".to_owned())) };
        match bus.dispatch_json(&name, value.clone()).await {
            Ok(done) => {
                // What the handler was given is what serde makes of the same text, with 7.0 for 7, as JSON Schema has it.
                let direct = serde_json::from_value::<Order>(with_whole_numbers(value))
                    .and_then(|it| serde_json::to_value(&it));
                let direct =
                    direct.map_err(|error| Finding(format!("it was taken, and serde says {error}")))?;
                let given = done.events.first().map(|it| &it.what);
                ensure(given == Some(&direct), || {
                    format!("the handler was given {given:?} and not {direct}")
                })?;
                Ok(Outcome::Read)
            }
            Err(CommandError::Validation(errors)) => {
                ensure(!errors.is_empty(), || "it was refused for nothing".to_owned())?;
                Ok(Outcome::Refused)
            }
            Err(CommandError::NotFound { .. }) => {
                ensure(name != "Order", || "the handler was not found".to_owned())?;
                Ok(Outcome::Refused)
            }
            Err(other) => Err(Finding(format!("it was refused with {other}"))),
        }
    })
}

/// The same, with each number that is whole as an integer.
fn with_whole_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is whole, and far from the ends of an i64"
            )]
            Some(whole) if number.is_f64() && whole.fract() == 0.0 && whole.abs() < 1e15 => {
                (whole as i64).into()
            }
            _ => Value::Number(number),
        },
        Value::Array(parts) => parts.into_iter().map(with_whole_numbers).collect(),
        Value::Object(parts) => {
            parts.into_iter().map(|(name, part)| (name, with_whole_numbers(part))).collect()
        }
        other => other,
    }
}

pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let whole = r#"{"order":7,"customer":"ann","amount":5,"share":0.5,"notes":["a","b"],
        "to":{"kind":"other","words":{"x":[1,2],"y":[]}},"lines":[{"item":"tea","count":2}]}"#;
    vec![
        ("whole", whole.into()),
        ("small", br#"{"order":0,"customer":"b","amount":-5,"to":{"kind":"home"},"lines":[]}"#.to_vec()),
        ("wrong", br#"{"order":-1,"customer":"","amount":1e9,"to":{"kind":"shop","number":70000},"lines":[{"item":"\u00df","count":0}],"more":1}"#.to_vec()),
        ("named", br#"["Order",{"order":1.0,"customer":null}]"#.to_vec()),
        ("unknown", br#"["Refund",{}]"#.to_vec()),
    ]
}
