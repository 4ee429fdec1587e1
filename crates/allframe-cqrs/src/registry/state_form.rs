use std::marker::PhantomData;

use eventstore_api::{GlobalPosition, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{ParkedEvent, kept_state::Kept, live::Applied};
use crate::{PayloadCodec, Result, error::DecodeReason, payload};

/// How a projection's state becomes bytes and back, with the events that it has parked. It is kept as functions, so that
/// only those projections need serde whose state is kept.
pub(super) struct StateForm<P> {
    encode: fn(&Applied<P>, PayloadCodec) -> Result<Kept>,
    decode: fn(&Kept) -> Result<Applied<P>, DecodeReason>,
}

#[derive(Serialize)]
struct Written<'a, P> {
    parked: Vec<Parked>,
    effects_through: u64,
    state: &'a P,
}

#[derive(Deserialize)]
struct Read<P> {
    parked: Vec<Parked>,
    effects_through: u64,
    state: P,
}

#[derive(Serialize, Deserialize)]
struct Parked {
    position: u64,
    reason: String,
    parked_at_micros: i64,
}

impl<P: Serialize + DeserializeOwned> StateForm<P> {
    pub(super) fn of_serde() -> Self {
        Self { encode: encode::<P>, decode: decode::<P> }
    }
}

impl<P> StateForm<P> {
    pub(super) fn encode(&self, applied: &Applied<P>, codec: PayloadCodec) -> Result<Kept> {
        (self.encode)(applied, codec)
    }

    pub(super) fn decode(&self, kept: &Kept) -> Result<Applied<P>, DecodeReason> {
        (self.decode)(kept)
    }
}

impl<P> Clone for StateForm<P> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

fn encode<P: Serialize>(applied: &Applied<P>, codec: PayloadCodec) -> Result<Kept> {
    let written = Written {
        parked: applied.parked.iter().map(Parked::from).collect(),
        effects_through: applied.effects_through.get(),
        state: &applied.state,
    };
    let payload = payload::encode(&written, codec, std::any::type_name::<P>())?;
    Ok(Kept { position: applied.position, encoding: codec.encoding(), payload })
}

fn decode<P: DeserializeOwned>(kept: &Kept) -> Result<Applied<P>, DecodeReason> {
    let read: Read<P> = payload::decode(PhantomData, kept.encoding, &kept.payload)?;
    let mut applied = Applied::new(read.state, kept.position);
    applied.parked = read.parked.into_iter().map(ParkedEvent::from).collect();
    applied.effects_through = GlobalPosition::new(read.effects_through);
    Ok(applied)
}

impl From<&ParkedEvent> for Parked {
    fn from(parked: &ParkedEvent) -> Self {
        let ParkedEvent { position, reason, parked_at } = parked;
        Self { position: position.get(), reason: reason.clone(), parked_at_micros: parked_at.as_micros() }
    }
}

impl From<Parked> for ParkedEvent {
    fn from(parked: Parked) -> Self {
        let Parked { position, reason, parked_at_micros } = parked;
        Self::new(GlobalPosition::new(position), reason, Timestamp::from_micros(parked_at_micros))
    }
}
