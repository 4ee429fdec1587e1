use eventstore_api::{EventFilter, EventStoreBackend, GlobalPosition, ReadAll};

use super::EventStore;
use crate::{ApplyContext, Error, Event, Projection, Result};

impl<E: Event, B: EventStoreBackend> EventStore<E, B> {
    /// Brings a projection up to date: applies every event of its type after the checkpoint, and moves the checkpoint with
    /// it, event by event.
    ///
    /// It ends with what is stored. Its events are [replayed](crate::ApplyContext::is_replaying): they have no effects. Whether
    /// it succeeds, fails or is dropped early, the checkpoint is where the projection stands, and the next call goes on from
    /// there.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`](crate::Error::Decode) naming the event that could not be read, which the checkpoint then stands
    /// before; [`Error::Apply`](crate::Error::Apply) when the projection did not take one in, which may be half applied
    /// then; or [`Error::Store`](crate::Error::Store).
    pub async fn project<P: Projection<Event = E>>(
        &self,
        projection: &mut P,
        checkpoint: &mut GlobalPosition,
    ) -> Result<()> {
        let mut query = ReadAll::after(*checkpoint).filter(self.reader.filter(&EventFilter::all()));
        loop {
            // A store in memory answers at once, every time: other tasks want to run too.
            tokio::task::yield_now().await;
            let page = self.backend.read_all(&query).await?;
            query = query.next_page(&page);
            for record in page.events {
                let position = record.position;
                for event in self.reader.read(record)? {
                    projection
                        .try_apply(&event, &mut ApplyContext::replaying())
                        .map_err(|source| Error::Apply { position, source: source.into() })?;
                }
                *checkpoint = position;
            }
            *checkpoint = page.next;
            if page.end_reached {
                return Ok(());
            }
        }
    }
}
