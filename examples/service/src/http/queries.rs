use std::{collections::BTreeMap, time::Duration};

use allframe_cqrs::{DispatchContext, Query};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::{named::Named, position::AsOf, problem::Problem, serving::Serving};
use crate::{
    domain::{
        bookings::{BookingNamed, BookingSeen},
        catalogue::{OnOffer, WorkshopNamed, Workshops},
        wallets::CreditOf,
    },
    studio::Studio,
};

/// How long a query waits for what its `Event-Position` names.
const PATIENCE: Duration = Duration::from_secs(5);

/// `GET /workshops`
pub(super) async fn workshops(
    Serving(studio): Serving,
    Extension(context): Extension<DispatchContext>,
    as_of: AsOf,
) -> Result<Json<BTreeMap<String, OnOffer>>, Problem> {
    Ok(Json(ask(&studio, context, as_of, Workshops).await?))
}

/// `GET /workshops/{workshop}`
pub(super) async fn workshop(
    Serving(studio): Serving,
    Extension(context): Extension<DispatchContext>,
    as_of: AsOf,
    Named(workshop): Named,
) -> Result<Json<OnOffer>, Problem> {
    let found: Option<OnOffer> = ask(&studio, context, as_of, WorkshopNamed { workshop }).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("there is no such workshop"))
}

/// `GET /bookings/{booking}`
pub(super) async fn booking(
    Serving(studio): Serving,
    Extension(context): Extension<DispatchContext>,
    as_of: AsOf,
    Named(booking): Named,
) -> Result<Json<BookingSeen>, Problem> {
    let found: Option<BookingSeen> = ask(&studio, context, as_of, BookingNamed { booking }).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("there is no such booking"))
}

/// `GET /wallets/{customer}`
pub(super) async fn wallet(
    Serving(studio): Serving,
    Extension(context): Extension<DispatchContext>,
    as_of: AsOf,
    Named(customer): Named,
) -> Result<Json<Value>, Problem> {
    let credit: Option<u64> = ask(&studio, context, as_of, CreditOf { customer }).await?;
    let credit = credit.ok_or_else(|| Problem::not_found("there is no such wallet"))?;
    Ok(Json(json!({ "credit": credit })))
}

/// As of the position that the request names, where it names one.
async fn ask<Q: Query, R: Send + Sync + 'static>(
    studio: &Studio,
    context: DispatchContext,
    AsOf(position): AsOf,
    query: Q,
) -> Result<R, Problem> {
    Ok(match position {
        Some(position) => studio.queries.dispatch_at_with(context, query, position, PATIENCE).await?,
        None => studio.queries.dispatch_with(context, query).await?,
    })
}
