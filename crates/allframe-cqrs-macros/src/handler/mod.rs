//! Functions and methods that handle commands or queries, and register themselves.

mod command;
mod impl_block;
mod query;
mod signature;

pub(crate) use impl_block::expand as expand_handlers;
use proc_macro2::TokenStream;
use quote::quote;
use signature::Owner;
pub(crate) use signature::{is_called, parameter_of};
use syn::{Attribute, Error, Item, Result, Signature};

use crate::arguments::refuse_second;

/// What a handler handles.
#[derive(Clone, Copy)]
pub(crate) enum Handled {
    Command,
    Query,
}

impl Handled {
    /// What a method is marked as.
    fn marked_by(attribute: &Attribute) -> Option<Self> {
        let last = attribute.path().segments.last()?;
        [Self::Command, Self::Query].into_iter().find(|handled| last.ident == handled.attribute())
    }

    fn attribute(self) -> &'static str {
        match self {
            Self::Command => "command_handler",
            Self::Query => "query_handler",
        }
    }

    /// What registers a handler with this signature.
    fn register(
        self,
        arguments: TokenStream,
        signature: &Signature,
        owner: Option<&Owner<'_>>,
    ) -> Result<TokenStream> {
        match self {
            Self::Command => command::register(arguments, signature, owner),
            Self::Query => query::register(arguments, signature, owner),
        }
    }
}

/// Leaves a function as it is, and registers it.
pub(crate) fn expand_handler(
    handled: Handled,
    attribute: TokenStream,
    item: TokenStream,
) -> Result<TokenStream> {
    let Item::Fn(function) = syn::parse2::<Item>(item.clone())? else {
        return Err(Error::new_spanned(item, format!("#[{}] goes on a function", handled.attribute())));
    };
    refuse_second(handled.attribute(), &function.attrs)?;
    let registration = handled.register(attribute, &function.sig, None)?;
    Ok(quote! {
        #function
        #registration
    })
}
