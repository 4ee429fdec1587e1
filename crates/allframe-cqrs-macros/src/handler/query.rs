use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Path, Result, ReturnType, Signature, parse::Parser, parse_quote};

use super::signature::{Handler, Owner, is_called};

/// What registers a function with this signature.
pub(super) fn register(
    attribute: TokenStream,
    signature: &Signature,
    owner: Option<&Owner<'_>>,
) -> Result<TokenStream> {
    let krate = parse_crate(attribute)?.unwrap_or_else(|| parse_quote!(::allframe_cqrs));
    let handler = Handler::parse(krate, signature, "query", owner)?;
    let Handler { krate, name, message, .. } = &handler;
    if message.is_reference {
        return Err(Error::new_spanned(&message.ty, "take the query by value"));
    }
    let (find, get, query) = (handler.find(), handler.get(), &message.ty);
    let call = handler.call(&quote!(query), None);
    let answer = match &handler.output {
        ReturnType::Type(_, ty) if is_called(ty, "Result") || is_called(ty, "QueryResult") => {
            quote!(#call.map_err(#krate::QueryError::failed))
        }
        _ => quote!(::core::result::Result::Ok::<_, #krate::QueryError>(#call)),
    };
    Ok(quote! {
        const _: () = {
            #krate::inventory::submit! {
                #krate::DiscoveredQueryHandler::new(
                    ::core::concat!(::core::module_path!(), "::", #name),
                    |name, discovery| discovery.answering(name, |resolver| {
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

fn parse_crate(attribute: TokenStream) -> Result<Option<Path>> {
    let mut krate = None;
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("crate") {
            return Err(meta.error("unknown here; a query handler takes no arguments"));
        }
        krate = Some(meta.value()?.call(Path::parse_mod_style)?);
        Ok(())
    });
    parser.parse2(attribute)?;
    Ok(krate)
}
