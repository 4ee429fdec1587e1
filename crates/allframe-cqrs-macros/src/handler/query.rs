use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Error, Ident, Result, ReturnType, Signature, spanned::Spanned as _};

use super::signature::{Handler, Owner, is_called, parameter_of, written};
use crate::arguments::{at_span, only_crate, shown_at};

/// What registers a function with this signature.
pub(super) fn register(
    attribute: TokenStream,
    signature: &Signature,
    owner: Option<&Owner<'_>>,
) -> Result<TokenStream> {
    let krate = only_crate(attribute, "unknown here; a query handler takes no arguments")?;
    let handler = Handler::parse(krate, signature, "query", owner)?;
    let Handler { krate, name, message, .. } = &handler;
    if message.is_reference {
        return Err(Error::new_spanned(&message.ty, "take the query by value"));
    }
    let (find, get, query) = (handler.find(), handler.get(), &message.ty);
    let call = handler.call(&quote!(query), None);
    let (answered, answer) = match &handler.output {
        ReturnType::Type(_, ty) if is_called(ty, "Result") || is_called(ty, "QueryResult") => {
            let at = shown_at(parameter_of(ty, "Result", 1).unwrap_or(ty).span());
            let failed = at_span(&quote!(#krate::QueryError::failed), at);
            let answer = quote! {
                match #call {
                    ::core::result::Result::Ok(answer) => ::core::result::Result::Ok(answer),
                    ::core::result::Result::Err(error) => ::core::result::Result::Err(#failed(error)),
                }
            };
            (quote!(_), answer)
        }
        output => {
            let answered = match output {
                ReturnType::Default => quote_spanned!(shown_at(handler.answered_at())=> ()),
                ReturnType::Type(_, ty) => written(ty),
            };
            (answered, quote!(::core::result::Result::Ok::<_, #krate::QueryError>(#call)))
        }
    };
    // What is wrong with the answer is shown where it is declared.
    let answering = Ident::new("answering", shown_at(handler.answered_at()));
    Ok(quote! {
        const _: () = {
            #krate::inventory::submit! {
                #krate::DiscoveredQueryHandler::new(
                    ::core::concat!(::core::module_path!(), "::", #name),
                    |name, discovery| discovery.#answering::<#query, #answered, _, _>(name, |resolver| {
                        #find
                        ::core::option::Option::Some(move |query: #query, context: &#krate::DispatchContext| {
                            let _ = context;
                            #get
                            async move { #answer }
                        })
                    }),
                )
            }
        };
    })
}
