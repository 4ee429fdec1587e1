use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    fmt,
    sync::Arc,
};

use super::BuildProblem;
use crate::{DispatchContext, registry::Awaited};

/// What has been given to a bus for its handlers, one of each type.
#[derive(Default)]
pub(crate) struct Dependencies {
    by_type: HashMap<TypeId, Dependency>,
}

struct Dependency {
    /// An `Injected<T>`.
    injected: Box<dyn Any + Send + Sync>,
    /// What a query waits for before it reads this.
    awaited: Option<Arc<dyn Awaited>>,
}

/// How a handler comes to an argument: a value that was given, or what is made for each dispatch.
#[doc(hidden)]
pub struct Injected<T>(Arc<dyn Fn(&DispatchContext) -> T + Send + Sync>);

impl<T: 'static> Injected<T> {
    fn new(make: impl Fn(&DispatchContext) -> T + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    /// The argument for one dispatch.
    #[must_use]
    pub fn get(&self, context: &DispatchContext) -> T {
        (self.0)(context)
    }
}

impl<T> fmt::Debug for Injected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Injected").field(&type_name::<T>()).finish()
    }
}

impl Dependencies {
    /// With the context of the dispatch, which every handler can ask for.
    pub(crate) fn new() -> Self {
        let mut this = Self::default();
        this.insert(DispatchContext::clone);
        this
    }

    /// From now on what is made by this is what handlers get where they ask for its type.
    pub(crate) fn insert<T: Send + Sync + 'static>(
        &mut self,
        make: impl Fn(&DispatchContext) -> T + Send + Sync + 'static,
    ) {
        self.put(Injected::new(make), None);
    }

    pub(crate) fn insert_value<T: Clone + Send + Sync + 'static>(&mut self, value: T) {
        self.insert(move |_| value.clone());
    }

    /// A value that is read only after it has come to where a query wants it.
    pub(crate) fn insert_awaited<T: Clone + Send + Sync + 'static>(
        &mut self,
        value: T,
        awaited: Arc<dyn Awaited>,
    ) {
        self.put(Injected::new(move |_| value.clone()), Some(awaited));
    }

    fn put<T: 'static>(&mut self, injected: Injected<T>, awaited: Option<Arc<dyn Awaited>>) {
        self.put_untyped(TypeId::of::<T>(), Dependency { injected: Box::new(injected), awaited });
    }

    // This and `of_type` stand alone so that the map is not compiled again for each type that is given or asked for.
    fn put_untyped(&mut self, of_type: TypeId, dependency: Dependency) {
        self.by_type.insert(of_type, dependency);
    }

    fn of_type(&self, of_type: TypeId) -> Option<&Dependency> {
        self.by_type.get(&of_type)
    }
}

/// What a handler can be given.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a handler cannot be given a `{Self}`",
    label = "is not `Send + Sync + 'static`",
    note = "handlers run on many threads, and share what they are given: take an `Arc` instead of an `Rc`, a `Mutex` instead of a \
            `RefCell`"
)]
pub trait Given: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Given for T {}

/// Finds what one handler asks for.
#[doc(hidden)]
pub struct Resolver<'a> {
    handler: &'static str,
    dependencies: &'a Dependencies,
    missing: Vec<&'static str>,
    awaited: Vec<Arc<dyn Awaited>>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(handler: &'static str, dependencies: &'a Dependencies) -> Self {
        Self { handler, dependencies, missing: Vec::new(), awaited: Vec::new() }
    }

    /// What was given of this type; otherwise it is noted as missing.
    pub fn find<T: Given>(&mut self) -> Option<Injected<T>> {
        let found = self.dependencies.of_type(TypeId::of::<T>());
        let injected = found.and_then(|found| found.injected.downcast_ref::<Injected<T>>());
        match injected {
            Some(injected) => {
                self.awaited.extend(found.and_then(|found| found.awaited.clone()));
                Some(Injected(Arc::clone(&injected.0)))
            }
            None => {
                self.missing.push(type_name::<T>());
                None
            }
        }
    }

    /// What was given of this type, if it was.
    pub(crate) fn find_given<T: Send + Sync + 'static>(&self) -> Option<T> {
        let found = self.dependencies.of_type(TypeId::of::<T>())?;
        Some(found.injected.downcast_ref::<Injected<T>>()?.get(&DispatchContext::new()))
    }

    /// What the handler asked for and nobody gave, and what it reads that can be waited for.
    pub(crate) fn finish(self) -> (Vec<BuildProblem>, Vec<Arc<dyn Awaited>>) {
        let handler = self.handler;
        let missing =
            self.missing.into_iter().map(|type_name| BuildProblem::MissingDependency { handler, type_name });
        (missing.collect(), self.awaited)
    }
}

impl fmt::Debug for Resolver<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("handler", &self.handler).finish_non_exhaustive()
    }
}
