use proc_macro::TokenStream;

/// What a macro expands to: its output, or its error where the compiler shows it.
pub(crate) fn expand(result: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    result.unwrap_or_else(syn::Error::into_compile_error).into()
}

/// The same, with what the macro stands on left as it is where it is wrong: one mistake is then one error, and not also one
/// for everything that uses it.
pub(crate) fn expand_or_keep(
    item: proc_macro2::TokenStream,
    expand_item: impl FnOnce(proc_macro2::TokenStream) -> syn::Result<proc_macro2::TokenStream>,
) -> TokenStream {
    let output = expand_item(item.clone()).unwrap_or_else(|error| {
        let error = error.into_compile_error();
        quote::quote!(#item #error)
    });
    output.into()
}
