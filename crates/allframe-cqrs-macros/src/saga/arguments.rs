//! What stands in the parentheses of `#[saga(..)]` and `#[saga_step(..)]`.

use std::num::NonZeroU32;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Attribute, Error, Expr, Ident, LitInt, LitStr, Meta, Path, Result, Token, Type, meta::ParseNestedMeta,
    parse::Parser as _, parse_quote, punctuated::Punctuated, spanned::Spanned as _, token::Paren,
};

use super::{duration::duration, name};
use crate::arguments::{self, alone, once, value};

/// Those of `#[saga(..)]`.
pub(super) struct SagaArguments {
    pub(super) krate: Path,
    pub(super) name: Option<String>,
    pub(super) version: Option<u32>,
    pub(super) timeout: Option<TokenStream>,
    pub(super) input: Option<Type>,
}

/// Those of `#[saga_step(..)]`.
#[derive(Default)]
pub(super) struct StepArguments {
    pub(super) after: Vec<Ident>,
    pub(super) when: Option<Ident>,
    pub(super) compensate: Option<Ident>,
    /// Where it says that the step dispatches a command.
    pub(super) command: Option<Span>,
    /// The field that is the bus.
    pub(super) bus: Option<Ident>,
    /// What is said to the step about all others, as the calls of its methods.
    pub(super) settings: Vec<TokenStream>,
}

impl SagaArguments {
    pub(super) fn parse(attribute: TokenStream) -> Result<Self> {
        let (mut krate, mut name, mut version, mut timeout, mut input) = (None, None, None, None, None);
        let parser = syn::meta::parser(|meta| {
            match known(&meta).as_deref() {
            Some("crate") => once(&mut krate, &meta, arguments::krate),
            Some("name") => once(&mut name, &meta, |meta| {
                let name: LitStr = value(meta, "write `name = \"..\"`, under which its sagas are stored")?;
                name::checked(name.value(), name.span())
            }),
            Some("version") => once(&mut version, &meta, |meta| Ok(arguments::version(meta)?.0)),
            Some("timeout") => once(&mut timeout, &meta, duration),
            Some("input") => once(&mut input, &meta, |meta| {
                value(meta, "write `input = Type`, with which its sagas are begun")
            }),
            _ => Err(meta.error(
                "unknown here; #[saga] takes `name = \"..\"`, `version = 2`, `timeout = \"2h\"`, `input = Type` and `crate = path`",
            )),
        }
        });
        parser.parse2(attribute)?;
        let krate = krate.unwrap_or_else(|| parse_quote!(::allframe_cqrs));
        Ok(Self { krate, name, version, timeout, input })
    }
}

impl StepArguments {
    pub(super) fn parse(attribute: &Attribute, krate: &Path) -> Result<Self> {
        let tokens = match &attribute.meta {
            Meta::Path(_) => TokenStream::new(),
            Meta::List(list) => list.tokens.clone(),
            Meta::NameValue(_) => return Err(Error::new_spanned(attribute, "write #[saga_step(..)]")),
        };
        let (mut after, mut when, mut compensate, mut command, mut bus) = (None, None, None, None, None);
        let (mut timeout, mut attempts, mut backoff, mut on_failure) = (None, None, None, None);
        let parser = syn::meta::parser(|meta| {
            match known(&meta).as_deref() {
            Some("after") => once(&mut after, &meta, steps),
            Some("when") => once(&mut when, &meta, |meta| {
                value(meta, "write `when = method`, that says whether the step is carried out")
            }),
            Some("compensate") => once(&mut compensate, &meta, |meta| {
                value(meta, "write `compensate = method`, that undoes the step")
            }),
            Some("command") => once(&mut command, &meta, |meta| {
                Ok(alone(meta, "write `command` alone; the bus is `bus = field`")?.span())
            }),
            Some("bus") => once(&mut bus, &meta, |meta| {
                value(meta, "write `bus = field`, which is the bus that the command is dispatched on")
            }),
            Some("timeout") => once(&mut timeout, &meta, duration),
            Some("max_attempts") => once(&mut attempts, &meta, max_attempts),
            Some("backoff") => once(&mut backoff, &meta, |meta| {
                value::<Expr>(meta, "write `backoff = value`, a `Backoff`")
            }),
            Some("on_failure") => once(&mut on_failure, &meta, |meta| on_failure_of(meta, krate)),
            _ => Err(meta.error(
                "unknown here; #[saga_step] takes `after(step, ..)`, `when = method`, `compensate = method`, `timeout = \"30s\"`, \
                 `max_attempts = 5`, `backoff = value`, `on_failure = park`, and `command` with `bus = field`",
            )),
        }
        });
        parser.parse2(tokens)?;
        if let (Some(bus), None) = (&bus, command) {
            return Err(Error::new_spanned::<&Ident, _>(
                bus,
                "only a step that answers a command has a bus; write `command` too",
            ));
        }
        let settings = [
            timeout.map(|timeout| quote!(.with_timeout(#timeout))),
            attempts.map(|attempts| quote!(.with_max_attempts(#attempts))),
            backoff.map(|backoff| quote!(.with_backoff(#backoff))),
            on_failure.map(|then| quote!(.on_failure(#then))),
        ];
        let settings = settings.into_iter().flatten().collect();
        Ok(Self { after: after.unwrap_or_default(), when, compensate, command, bus, settings })
    }
}

fn known(meta: &ParseNestedMeta<'_>) -> Option<String> {
    meta.path.get_ident().map(Ident::to_string)
}

/// `after(step, ..)`.
fn steps(meta: &ParseNestedMeta<'_>) -> Result<Vec<Ident>> {
    const USAGE: &str = "write `after(step, ..)`, with the steps that it comes after";
    if !meta.input.peek(Paren) {
        return Err(Error::new_spanned(&meta.path, USAGE));
    }
    let content;
    syn::parenthesized!(content in meta.input);
    let steps = Punctuated::<Ident, Token![,]>::parse_terminated(&content)
        .map_err(|error| Error::new(error.span(), USAGE))?;
    match steps.is_empty() {
        true => Err(Error::new_spanned(&meta.path, USAGE)),
        false => Ok(steps.into_iter().collect()),
    }
}

/// `max_attempts = 5`, as a `NonZeroU32`.
fn max_attempts(meta: &ParseNestedMeta<'_>) -> Result<TokenStream> {
    const USAGE: &str = "write `max_attempts = 5`, a number from 1 to 4294967295";
    let literal: LitInt = value(meta, USAGE)?;
    let attempts: NonZeroU32 = literal.base10_parse().map_err(|_| Error::new(literal.span(), USAGE))?;
    let beyond_the_first = attempts.get() - 1;
    Ok(quote!(::core::num::NonZeroU32::MIN.saturating_add(#beyond_the_first)))
}

/// `on_failure = park`, as an `OnFailure`.
fn on_failure_of(meta: &ParseNestedMeta<'_>, krate: &Path) -> Result<TokenStream> {
    const USAGE: &str = "write `on_failure = park`, or `on_failure = compensate`, which goes without saying";
    let then: Ident = value(meta, USAGE)?;
    match then.to_string().as_str() {
        "park" => Ok(quote!(#krate::saga::OnFailure::Park)),
        "compensate" => Ok(quote!(#krate::saga::OnFailure::Compensate)),
        _ => Err(Error::new(then.span(), USAGE)),
    }
}
