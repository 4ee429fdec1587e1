use std::{
    any::{TypeId, type_name},
    collections::HashMap,
    sync::Arc,
};

use super::{BuildProblem, Dependencies, Resolver};
use crate::registry::Awaited;

/// Handlers that have been given to a bus, whose arguments are found when everything is there that they may ask for.
pub(crate) struct Installs<T>(Vec<Install<T>>);

struct Install<T> {
    handled: Handled,
    path: &'static str,
    make: Box<Make<T>>,
}

/// Makes a handler of this path; `None` is for arguments that were not found.
type Make<T> = dyn FnOnce(&mut Resolver<'_>, &'static str) -> Option<Result<T, BuildProblem>> + Send;

/// What a handler handles.
#[derive(Clone, Copy)]
pub(crate) struct Handled {
    of_type: TypeId,
    type_name: &'static str,
    name: &'static str,
}

impl Handled {
    /// Messages of this type, which are called this.
    pub(crate) fn of<M: 'static>(name: &'static str) -> Self {
        Self { of_type: TypeId::of::<M>(), type_name: type_name::<M>(), name }
    }
}

/// A handler with its arguments.
pub(crate) struct Installed<T> {
    pub(crate) entry: T,
    /// What it reads that can be waited for.
    pub(crate) awaited: Vec<Arc<dyn Awaited>>,
}

impl<T> Installs<T> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds the handler of this path; `None` of `make` is for arguments that were not found.
    pub(crate) fn push(
        &mut self,
        path: &'static str,
        handled: Handled,
        make: impl FnOnce(&mut Resolver<'_>, &'static str) -> Option<Result<T, BuildProblem>> + Send + 'static,
    ) {
        self.0.push(Install { handled, path, make: Box::new(make) });
    }

    /// All of them, or everything that is wrong: also that two handle the same, whatever they miss.
    pub(crate) fn install(
        self,
        dependencies: &Dependencies,
        mut add: impl FnMut(Installed<T>),
    ) -> Vec<BuildProblem> {
        let (mut problems, mut seen) = (Vec::new(), Seen::default());
        for Install { handled, path, make } in self.0 {
            let is_second = seen.note(handled, path);
            let mut resolver = Resolver::new(path, dependencies);
            let made = make(&mut resolver, path);
            let (missing, awaited) = resolver.finish();
            match made {
                Some(Ok(entry)) if is_second.is_none() => add(Installed { entry, awaited }),
                Some(Ok(_)) => {}
                not_made => {
                    problems.extend(missing);
                    problems.extend(not_made.and_then(Result::err));
                }
            }
            problems.extend(is_second);
        }
        problems
    }
}

/// What there are handlers for, and which.
#[derive(Default)]
struct Seen {
    by_type: HashMap<TypeId, &'static str>,
    by_name: HashMap<&'static str, &'static str>,
}

impl Seen {
    /// What is wrong where it, or another of its name, has a handler.
    fn note(&mut self, handled: Handled, path: &'static str) -> Option<BuildProblem> {
        let Handled { of_type, type_name, name } = handled;
        if let Some(first) = self.by_type.insert(of_type, path) {
            return Some(BuildProblem::DuplicateHandler { handled: name, first, second: path });
        }
        let first = self.by_name.insert(name, type_name)?;
        Some(BuildProblem::SameName { name, first, second: type_name })
    }
}
