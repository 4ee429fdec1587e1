use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Item, Result};

use crate::marker::refuse_arguments;

/// Checks that a function can handle something, and leaves it as it is.
pub(crate) fn expand(
    name: &str,
    handled: &str,
    attribute: TokenStream,
    item: TokenStream,
) -> Result<TokenStream> {
    refuse_arguments(name, &attribute)?;
    let Item::Fn(function) = syn::parse2::<Item>(item.clone())? else {
        return Err(Error::new_spanned(item, format!("#[{name}] goes on a function")));
    };
    if function.sig.inputs.is_empty() {
        return Err(Error::new_spanned(
            &function.sig,
            format!("a {handled} handler takes the {handled} as its first argument"),
        ));
    }
    Ok(quote!(#function))
}
