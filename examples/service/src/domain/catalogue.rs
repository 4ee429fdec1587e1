//! Which workshops are on offer: a read model.

use std::collections::BTreeMap;

use allframe_cqrs::{Projection, ProjectionError, ProjectionHandle, projection, query, query_handler};
use serde::{Deserialize, Serialize};

use super::StudioEvent;

/// All workshops. Kept in memory and in a snapshot, so for thousands of them and not for millions: see `PostgresReadModel`.
#[projection(name = "catalogue", version = 1)]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Catalogue {
    workshops: BTreeMap<String, OnOffer>,
}

/// A workshop, as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OnOffer {
    title: String,
    seats: u32,
    free: u32,
    /// Of one seat, in cents.
    price: u64,
}

impl Projection for Catalogue {
    type Event = StudioEvent;

    fn apply(&mut self, event: &StudioEvent) {
        match event {
            StudioEvent::WorkshopPublished { workshop, title, seats, price } => {
                let new = OnOffer { title: title.clone(), seats: *seats, free: *seats, price: *price };
                self.workshops.insert(workshop.clone(), new);
            }
            StudioEvent::SeatsAdded { workshop, seats } => self.change(workshop, |on_offer| {
                on_offer.seats = on_offer.seats.saturating_add(*seats);
                on_offer.free = on_offer.free.saturating_add(*seats);
            }),
            StudioEvent::SeatsHeld { workshop, seats, .. } => {
                self.change(workshop, |on_offer| on_offer.free = on_offer.free.saturating_sub(*seats));
            }
            StudioEvent::SeatsReleased { workshop, seats, .. } => {
                self.change(workshop, |on_offer| on_offer.free = on_offer.free.saturating_add(*seats));
            }
            _ => {}
        }
    }
}

impl Catalogue {
    fn change(&mut self, workshop: &str, change: impl FnOnce(&mut OnOffer)) {
        if let Some(on_offer) = self.workshops.get_mut(workshop) {
            change(on_offer);
        }
    }
}

/// Which workshops are there?
#[query]
pub(crate) struct Workshops;

#[query_handler]
async fn workshops(
    _query: Workshops,
    catalogue: ProjectionHandle<Catalogue>,
) -> Result<BTreeMap<String, OnOffer>, ProjectionError> {
    Ok(catalogue.read().await?.workshops.clone())
}

/// What is this workshop?
#[query]
pub(crate) struct WorkshopNamed {
    pub(crate) workshop: String,
}

#[query_handler]
async fn workshop_named(
    query: WorkshopNamed,
    catalogue: ProjectionHandle<Catalogue>,
) -> Result<Option<OnOffer>, ProjectionError> {
    Ok(catalogue.read().await?.workshops.get(&query.workshop).cloned())
}
