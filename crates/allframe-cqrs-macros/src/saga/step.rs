use proc_macro2::Span;
use syn::{Attribute, Error, Ident, ImplItem, ImplItemFn, ItemImpl, Path, Result};

use super::{
    arguments::StepArguments,
    is_attribute,
    method::Method,
    name,
    parameter::{INPUT, name_of},
};
use crate::arguments::refuse_second;

/// A step: its method, and those that belong to it.
pub(super) struct Step {
    pub(super) arguments: StepArguments,
    pub(super) method: Method,
    pub(super) when: Option<Method>,
    pub(super) undo: Option<Method>,
}

/// A method that is marked as a step, with what stands in its mark.
pub(super) struct Marked {
    pub(super) name: String,
    method: ImplItemFn,
    arguments: StepArguments,
}

/// Whether an attribute marks a method as a step.
pub(super) fn is_mark(attribute: &Attribute) -> bool {
    is_attribute(attribute, "saga_step")
}

impl Marked {
    /// Those of an impl block.
    pub(super) fn all(block: &ItemImpl, krate: &Path) -> Result<Vec<Self>> {
        let marked = methods(block).filter_map(|method| Self::read(method, krate).transpose());
        let marked = marked.collect::<Result<Vec<_>>>()?;
        if marked.is_empty() {
            return Err(Error::new_spanned(
                &block.self_ty,
                "no method here is marked with #[saga_step]; a saga has at least one step",
            ));
        }
        Ok(marked)
    }

    fn read(method: &ImplItemFn, krate: &Path) -> Result<Option<Self>> {
        let Some(place) = method.attrs.iter().position(is_mark) else { return Ok(None) };
        let mut others = method.attrs.clone();
        let mark = others.remove(place);
        refuse_second("saga_step", &others)?;
        if let Some(condition) = others.iter().find(|attribute| attribute.path().is_ident("cfg")) {
            return Err(Error::new_spanned(
                condition,
                "sagas outlive the program that has begun them, and the next must have the same steps; write `when = method` instead",
            ));
        }
        let ident = &method.sig.ident;
        let name = name::checked(name_of(ident), ident.span())?;
        if name == INPUT {
            return Err(Error::new_spanned(
                ident,
                "a parameter called `input` is what the saga was begun with; call the step otherwise",
            ));
        }
        let arguments = StepArguments::parse(&mark, krate)?;
        Ok(Some(Self { name, method: method.clone(), arguments }))
    }

    /// The step, in a saga with these.
    pub(super) fn step(self, block: &ItemImpl, steps: &[String]) -> Result<Step> {
        let method = Method::read(&self.method.sig, steps)?;
        if let (Some(asyncness), Some(_)) = (&self.method.sig.asyncness, self.arguments.command) {
            return Err(Error::new_spanned(
                asyncness,
                "which command it is, is decided before it is dispatched, and without waiting; write a plain `fn`",
            ));
        }
        let other = |name: &Option<Ident>| {
            name.as_ref().map(|name| Method::read(&named(block, name)?.sig, steps)).transpose()
        };
        let (when, undo) = (other(&self.arguments.when)?, other(&self.arguments.compensate)?);
        if let (Some(when), Some(name)) = (&when, &self.arguments.when)
            && when.is_async
        {
            return Err(Error::new_spanned(
                name,
                "whether a step is carried out is decided without waiting: a plain `fn` that answers a `bool`; \
                 what has to be waited for is a step of its own, whose output it takes",
            ));
        }
        Ok(Step { arguments: self.arguments, method, when, undo })
    }
}

impl Step {
    /// Where it is declared.
    pub(super) fn at(&self) -> Span {
        self.method.name.span()
    }

    /// All its methods.
    pub(super) fn methods(&self) -> impl Iterator<Item = &Method> {
        [Some(&self.method), self.when.as_ref(), self.undo.as_ref()].into_iter().flatten()
    }
}

fn methods(block: &ItemImpl) -> impl Iterator<Item = &ImplItemFn> {
    block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(method) => Some(method),
        _ => None,
    })
}

/// A method that is no step, of this name.
fn named<'a>(block: &'a ItemImpl, name: &Ident) -> Result<&'a ImplItemFn> {
    let method = methods(block)
        .find(|method| method.sig.ident == *name)
        .ok_or_else(|| Error::new_spanned(name, format!("no method in this block is called `{name}`")))?;
    match method.attrs.iter().any(is_mark) {
        true => Err(Error::new_spanned(
            name,
            format!("`{name}` is a step of its own; name a method that is none"),
        )),
        false => Ok(method),
    }
}
