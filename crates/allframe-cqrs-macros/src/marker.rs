use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, Item, Result};

use crate::arguments::{only_crate, refuse_lifetimes, refuse_second};

/// Implements a trait without methods for a struct.
pub(crate) fn expand(
    name: &str,
    implemented: &str,
    attribute: TokenStream,
    item: TokenStream,
) -> Result<TokenStream> {
    let krate = only_crate(attribute, &format!("unknown here; #[{name}] takes no arguments"))?;
    let Item::Struct(item) = syn::parse2::<Item>(item.clone())? else {
        return Err(Error::new_spanned(item, format!("#[{name}] goes on a struct")));
    };
    refuse_second(name, &item.attrs)?;
    refuse_lifetimes(
        &item.generics,
        &format!("a {name} is kept until it is answered: it owns its fields, and borrows none"),
    )?;
    let ident = &item.ident;
    let implemented = format_ident!("{implemented}");
    let (impl_generics, type_generics, where_clause) = item.generics.split_for_impl();
    Ok(quote! {
        #item

        impl #impl_generics #krate::#implemented for #ident #type_generics #where_clause {}
    })
}

pub(crate) fn refuse_arguments(name: &str, attribute: &TokenStream) -> Result<()> {
    if attribute.is_empty() {
        return Ok(());
    }
    Err(Error::new_spanned(attribute, format!("#[{name}] takes no arguments")))
}
