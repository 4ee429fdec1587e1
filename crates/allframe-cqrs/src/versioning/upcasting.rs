//! The way of a stored event up to today's type.

use std::sync::Arc;

use eventstore_api::RecordedEvent;
use serde_json::Value;

use super::{
    EarlierPayload, EventForm, Parts, UpcastContext, UpcastError,
    chains::Chains,
    graph::Node,
    step::{AnyEvent, Carried, EarlierType, JsonUpcast, Step, read_kind},
};
use crate::{Event, error::DecodeReason, panicked::guarded};

/// The events that a record of whatever form becomes.
pub(super) fn upcast_record<E: Event>(
    chains: &Chains<E>,
    record: &RecordedEvent,
) -> Result<Parts<E>, DecodeReason> {
    let mut events = Parts::new();
    match chains.graph.node(record.event_type.as_str(), record.schema_version) {
        Some(node) => {
            let payload = EarlierPayload::stored(record.encoding, record.payload.clone());
            Upcasting { chains, context: UpcastContext::new(record), events: &mut events }.read(
                node,
                record.schema_version,
                payload,
            )?;
        }
        None => events.extend(chains.graph.unread(record)?.and_then(E::unknown)),
    }
    Ok(events)
}

/// An event on its way up, and what it has become so far.
struct Upcasting<'a, E> {
    chains: &'a Chains<E>,
    context: UpcastContext<'a>,
    events: &'a mut Parts<E>,
}

impl<E: Event> Upcasting<'_, E> {
    fn read(&mut self, node: Node, schema_version: u32, payload: EarlierPayload) -> Result<(), DecodeReason> {
        match node {
            Node::Today(kind) | Node::Declared(kind) => {
                self.events.push(guarded_read(|| read_kind(kind, schema_version, payload))?);
                Ok(())
            }
            Node::Retired => Ok(()),
            Node::Typed(step, kind) => match self.chains.step(step) {
                Some(Step::Typed { from, .. }) => {
                    let event = read_earlier_type(from, kind, schema_version, payload)?;
                    self.go_on(Carried::Typed(event))
                }
                _ => Ok(()),
            },
            Node::Json(step) => match self.chains.step(step) {
                Some(Step::Json { from, to, upcast }) => {
                    for value in upcast_json(upcast, from, payload, &self.context)? {
                        self.go_on(Carried::Json(to.clone(), value))?;
                    }
                    Ok(())
                }
                _ => Ok(()),
            },
        }
    }

    fn go_on(&mut self, carried: Carried<E>) -> Result<(), DecodeReason> {
        match carried {
            Carried::Now(event) => {
                self.events.push(event);
                Ok(())
            }
            Carried::Typed(event) => self.typed(event),
            Carried::Json(form, value) => {
                let node = self.chains.graph.node_of_made(&form)?;
                self.read(node, form.schema_version, EarlierPayload::json(value))
            }
        }
    }

    fn typed(&mut self, event: AnyEvent) -> Result<(), DecodeReason> {
        let step = self.chains.graph.step_of_type((*event).type_id());
        match step.and_then(|step| self.chains.step(step)) {
            Some(Step::Typed { from, upcast, .. }) => {
                for carried in upcast_by(|| upcast(event, &self.context), || from.name.to_owned())? {
                    self.go_on(carried)?;
                }
                Ok(())
            }
            _ => {
                // Those who go on from here know no types.
                let (form, value) = self.chains.graph.to_json(&*event)?;
                self.go_on(Carried::Json(form, value))
            }
        }
    }
}

fn read_earlier_type(
    from: &EarlierType,
    kind: usize,
    schema_version: u32,
    payload: EarlierPayload,
) -> Result<AnyEvent, DecodeReason> {
    guarded_read(|| (from.read)(kind, schema_version, payload))
}

fn upcast_json(
    upcast: &Arc<JsonUpcast>,
    from: &EventForm,
    payload: EarlierPayload,
    context: &UpcastContext<'_>,
) -> Result<Parts<Value>, DecodeReason> {
    let value = payload.into_json()?;
    upcast_by(|| upcast(value, context), || from.to_string())
}

/// What an upcaster makes; a panic of it is an error like any other.
fn upcast_by<T>(
    upcast: impl FnOnce() -> Result<T, UpcastError>,
    from: impl FnOnce() -> String,
) -> Result<T, DecodeReason> {
    let made = guarded(upcast).unwrap_or_else(|panicked| Err(panicked.into()));
    made.map_err(|source| DecodeReason::Upcast { from: from(), source: Arc::from(source) })
}

/// The same for what reads an earlier form: fields are converted there.
fn guarded_read<T>(read: impl FnOnce() -> Result<T, DecodeReason>) -> Result<T, DecodeReason> {
    guarded(read).unwrap_or_else(|panicked| Err(DecodeReason::Payload(Arc::new(panicked))))
}
