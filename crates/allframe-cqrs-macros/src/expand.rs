use proc_macro::TokenStream;

/// What a macro expands to: its output, or its error where the compiler shows it.
pub(crate) fn expand(result: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    result.unwrap_or_else(syn::Error::into_compile_error).into()
}
