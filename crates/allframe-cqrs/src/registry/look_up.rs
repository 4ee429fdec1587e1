use std::{any::type_name, sync::Arc};

use eventstore_api::EventStoreBackend;

use super::{
    ProjectionError, ProjectionHandle, ProjectionRegistry, View, running::Running,
    state_projection::StateProjection,
};
use crate::{Event, Projection};

impl<E: Event, B: EventStoreBackend> ProjectionRegistry<E, B> {
    /// Looks at the state of the projection of this type: after exactly the events up to a position.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::NotRegistered`], [`ProjectionError::Ambiguous`] where more than one is of the type, and as
    /// [`ProjectionHandle::read`].
    pub async fn get<P: Projection<Event = E> + 'static>(&self) -> Result<View<P>, ProjectionError> {
        self.handle::<P>()?.read().await
    }

    /// Looks at the state of a projection by its name.
    ///
    /// # Errors
    ///
    /// As [`ProjectionRegistry::handle_named`], and as [`ProjectionHandle::read`].
    pub async fn get_named<P: Projection<Event = E> + 'static>(
        &self,
        name: &str,
    ) -> Result<View<P>, ProjectionError> {
        self.handle_named::<P>(name)?.read().await
    }

    /// The projection of this type.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::NotRegistered`], or [`ProjectionError::Ambiguous`] where more than one is of the type.
    pub fn handle<P: Projection<Event = E> + 'static>(&self) -> Result<ProjectionHandle<P>, ProjectionError> {
        let type_name = type_name::<P>();
        let mut found: Vec<_> = self.shared.all().into_iter().filter_map(of_type::<P>).collect();
        if found.len() > 1 {
            let names = found.iter().map(|handle| handle.name().to_owned()).collect();
            return Err(ProjectionError::Ambiguous { type_name, names });
        }
        found.pop().ok_or_else(|| ProjectionError::NotRegistered { name: type_name.to_owned() })
    }

    /// The projection of this name.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::NotRegistered`], or [`ProjectionError::OtherType`] when it is of another type.
    pub fn handle_named<P: Projection<Event = E> + 'static>(
        &self,
        name: &str,
    ) -> Result<ProjectionHandle<P>, ProjectionError> {
        of_type(self.named(name)?)
            .ok_or_else(|| ProjectionError::OtherType { name: name.to_owned(), type_name: type_name::<P>() })
    }

    /// The names of all projections, in their order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.shared.all().iter().map(|projection| projection.task().name.to_string()).collect()
    }

    pub(super) fn named(&self, name: &str) -> Result<Arc<dyn Running>, ProjectionError> {
        self.shared.get(name).ok_or_else(|| ProjectionError::NotRegistered { name: name.to_owned() })
    }
}

fn of_type<P: Projection + 'static>(running: Arc<dyn Running>) -> Option<ProjectionHandle<P>> {
    let projection = running.as_any().downcast::<StateProjection<P>>().ok()?;
    Some(ProjectionHandle { projection })
}
