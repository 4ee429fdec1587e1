//! What a method of a saga takes: the input, the outputs of steps, the context.

use proc_macro2::Span;
use syn::{Error, FnArg, Ident, Pat, Result, Type, ext::IdentExt as _, spanned::Spanned as _};

use crate::handler::{is_called, parameter_of};

/// A parameter, and what it is given.
pub(super) struct Parameter {
    pub(super) given: Given,
    /// What is wrong with it is shown at its type.
    pub(super) ty: Type,
}

/// What a parameter is given.
pub(super) enum Given {
    /// What the saga was begun with.
    Input,
    Context {
        is_reference: bool,
    },
    /// The output of the step at a place.
    Output {
        step: usize,
        is_optional: bool,
    },
}

/// The name of the parameter that is the input.
pub(super) const INPUT: &str = "input";

impl Parameter {
    /// Reads a parameter of a method of a saga with these steps.
    pub(super) fn read(argument: &FnArg, steps: &[String]) -> Result<Self> {
        let FnArg::Typed(typed) = argument else {
            return Err(Error::new_spanned(argument, "`self` comes first"));
        };
        let ty = peeled(&typed.ty);
        let by_reference = match ty {
            Type::Reference(reference) if reference.mutability.is_some() => {
                return Err(Error::new_spanned(ty, "it is given to others too; write `&` alone"));
            }
            Type::Reference(reference) => Some(peeled(&reference.elem)),
            _ => None,
        };
        if is_called(by_reference.unwrap_or(ty), "StepContext") {
            let is_reference = by_reference.is_some();
            return Ok(Self { given: Given::Context { is_reference }, ty: ty.clone() });
        }
        let Pat::Ident(pattern) = &*typed.pat else {
            return Err(unknown(typed.pat.span(), "what has no name", steps));
        };
        let name = pattern.ident.unraw().to_string();
        // `_input` is one that is not used.
        let meant = if is_known(&name, steps) { &name } else { name.trim_start_matches('_') };
        let given = if meant == INPUT {
            if by_reference.is_none() {
                return Err(Error::new_spanned(
                    ty,
                    "the input belongs to all steps: take it by reference, `input: &Type`",
                ));
            }
            Given::Input
        } else if let Some(step) = steps.iter().position(|step| step == meant) {
            let is_optional = by_reference.is_none();
            if is_optional && !matches!(parameter_of(ty, "Option", 0).map(peeled), Some(Type::Reference(_))) {
                return Err(Error::new_spanned(
                    ty,
                    format!(
                        "the output of a step is taken by reference: `{meant}: &Type`, or `Option<&Type>` where there may be none"
                    ),
                ));
            }
            Given::Output { step, is_optional }
        } else {
            return Err(unknown(pattern.ident.span(), &format!("`{name}`"), steps));
        };
        Ok(Self { given, ty: ty.clone() })
    }

    /// The type of what it is given; without the `&`, if there is one.
    pub(super) fn referred(&self) -> &Type {
        match peeled(&self.ty) {
            Type::Reference(reference) => &reference.elem,
            ty => ty,
        }
    }
}

fn is_known(name: &str, steps: &[String]) -> bool {
    name == INPUT || steps.iter().any(|step| step == name)
}

fn unknown(at: Span, what: &str, steps: &[String]) -> Error {
    let steps = listed(steps.iter());
    Error::new(
        at,
        format!(
            "{what} is nothing that it can be given: a parameter is called `input`, or like the step whose output it is ({steps}), \
             or is a `StepContext`"
        ),
    )
}

/// Names in a sentence.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The name of a method, as it is stored.
pub(super) fn name_of(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// A type without the marks that a macro, or parentheses, put around it.
fn peeled(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peeled(&group.elem),
        Type::Paren(paren) => peeled(&paren.elem),
        ty => ty,
    }
}
