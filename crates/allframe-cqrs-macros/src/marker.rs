use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, Item, Result};

/// Implements a trait without methods for a struct.
pub(crate) fn expand(
    name: &str,
    implemented: &str,
    attribute: TokenStream,
    item: TokenStream,
) -> Result<TokenStream> {
    refuse_arguments(name, &attribute)?;
    let Item::Struct(item) = syn::parse2::<Item>(item.clone())? else {
        return Err(Error::new_spanned(item, format!("#[{name}] goes on a struct")));
    };
    let ident = &item.ident;
    let implemented = format_ident!("{implemented}");
    let (impl_generics, type_generics, where_clause) = item.generics.split_for_impl();
    Ok(quote! {
        #item

        impl #impl_generics ::allframe_cqrs::#implemented for #ident #type_generics #where_clause {}
    })
}

pub(crate) fn refuse_arguments(name: &str, attribute: &TokenStream) -> Result<()> {
    if attribute.is_empty() {
        return Ok(());
    }
    Err(Error::new_spanned(attribute, format!("#[{name}] takes no arguments")))
}
