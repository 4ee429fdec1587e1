use super::{BuildProblem, Dependencies, Resolver};
use crate::registry::Awaited;
use std::sync::Arc;

/// Handlers that have been given to a bus, whose arguments are found when everything is there that they may ask for.
pub(crate) struct Installs<T>(Vec<Box<dyn Install<T> + Send>>);

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
        name: &'static str,
        make: impl FnOnce(&mut Resolver<'_>, &'static str) -> Option<Result<T, BuildProblem>> + Send + 'static,
    ) {
        self.0.push(Box::new(Named { name, make }));
    }

    /// All of them, or everything that is wrong.
    pub(crate) fn install(
        self,
        dependencies: &Dependencies,
        mut add: impl FnMut(Installed<T>) -> Result<(), BuildProblem>,
    ) -> Vec<BuildProblem> {
        let mut problems = Vec::new();
        for install in self.0 {
            match install.install(dependencies) {
                Ok(installed) => problems.extend(add(installed).err()),
                Err(found) => problems.extend(found),
            }
        }
        problems
    }
}

trait Install<T> {
    fn install(self: Box<Self>, dependencies: &Dependencies) -> Result<Installed<T>, Vec<BuildProblem>>;
}

struct Named<F> {
    name: &'static str,
    make: F,
}

impl<T, F> Install<T> for Named<F>
where
    F: FnOnce(&mut Resolver<'_>, &'static str) -> Option<Result<T, BuildProblem>>,
{
    fn install(self: Box<Self>, dependencies: &Dependencies) -> Result<Installed<T>, Vec<BuildProblem>> {
        let mut resolver = Resolver::new(self.name, dependencies);
        let made = (self.make)(&mut resolver, self.name);
        let (mut problems, awaited) = resolver.finish();
        match made {
            Some(Ok(entry)) => return Ok(Installed { entry, awaited }),
            Some(Err(problem)) => problems.push(problem),
            None => {}
        }
        Err(problems)
    }
}
