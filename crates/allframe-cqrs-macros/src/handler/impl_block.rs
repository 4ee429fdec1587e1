use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ImplItem, ImplItemFn, Item, Meta, Result};

use super::{Handled, signature::Owner};
use crate::{arguments::refuse_second, marker::refuse_arguments};

/// Registers the methods of an impl block that are marked as handlers, and leaves it otherwise as it is.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    refuse_arguments("handlers", &attribute)?;
    let Item::Impl(mut block) = syn::parse2::<Item>(item.clone())? else {
        return Err(Error::new_spanned(item, "#[handlers] goes on an impl block"));
    };
    if !block.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &block.generics,
            "a type whose handlers register themselves has no parameters: nothing says for which types; \
             give them to the bus by hand",
        ));
    }
    let ty = (*block.self_ty).clone();
    let owner = Owner { ty: &ty };
    let mut registrations = Vec::new();
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        registrations.extend(take_registration(method, &owner)?);
    }
    if registrations.is_empty() {
        return Err(Error::new_spanned(
            &block.self_ty,
            "no method here is marked with #[command_handler] or #[query_handler]",
        ));
    }
    Ok(quote! {
        #block
        #(#registrations)*
    })
}

/// What registers a method, if it is marked; the mark is taken off.
fn take_registration(method: &mut ImplItemFn, owner: &Owner<'_>) -> Result<Option<TokenStream>> {
    let marks = method.attrs.iter().map(Handled::marked_by);
    let Some((place, handled)) = marks.enumerate().find_map(|(place, mark)| Some((place, mark?))) else {
        return Ok(None);
    };
    let arguments = match method.attrs.remove(place).meta {
        Meta::List(list) => list.tokens,
        _ => TokenStream::new(),
    };
    refuse_second(handled.attribute(), &method.attrs)?;
    let registration = handled.register(arguments, &method.sig, Some(owner))?;
    // A method that is left out is not registered: unlike that of a function, its `cfg` comes here as it is written.
    let conditions = method.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    Ok(Some(quote! {
        #(#conditions)*
        #registration
    }))
}
