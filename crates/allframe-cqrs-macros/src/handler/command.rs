use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{
    Error, Ident, Path, Result, ReturnType, Signature, Type, parse::Parser, parse_quote, spanned::Spanned,
};

use super::signature::{Handler, Owner, is_unit, parameter_of};

/// What registers a function with this signature.
pub(super) fn register(
    attribute: TokenStream,
    signature: &Signature,
    owner: Option<&Owner<'_>>,
) -> Result<TokenStream> {
    let Attributes { krate, events } = Attributes::parse(attribute)?;
    let krate = krate.unwrap_or_else(|| parse_quote!(::allframe_cqrs));
    let handler = Handler::parse(krate, signature, "command", owner)?;
    // The one kind that is not async and looks at something first is a decision on an aggregate.
    let decides = !handler.is_async && handler.others.first().is_some_and(|second| second.is_reference);
    let offer = match decides {
        true => deciding(handler, events.as_ref())?,
        false => answering(&handler, events)?,
    };
    Ok(offer)
}

fn deciding(mut handler: Handler, events: Option<&Type>) -> Result<TokenStream> {
    if let Some(events) = events {
        return Err(Error::new_spanned(events, "the events are those of the aggregate; leave this out"));
    }
    let aggregate = handler.others.remove(0).ty;
    let Handler { krate, name, message, .. } = &handler;
    let (find, get, command) = (handler.find(), handler.get(), &message.ty);
    let given = match message.is_reference {
        true => quote!(command),
        // It may be needed again, when another writer was faster.
        false => quote_spanned!(command.span()=> <#command as #krate::DecidedAgain>::again(command)),
    };
    let call = handler.call(&given, Some(quote!(aggregate)));
    Ok(quote! {
        const _: () = {
            #krate::inventory::submit! {
                #krate::DiscoveredCommandHandler::new(
                    ::core::concat!(::core::module_path!(), "::", #name),
                    |name, discovery| discovery.deciding(name, |resolver| {
                        #find
                        ::core::option::Option::Some(
                            move |command: &#command, aggregate: &#aggregate, context: &#krate::DispatchContext| {
                                let _ = context;
                                #get
                                #call
                            },
                        )
                    }),
                )
            }
        };
    })
}

fn answering(handler: &Handler, events: Option<Type>) -> Result<TokenStream> {
    let Handler { krate, name, message, .. } = handler;
    if message.is_reference {
        return Err(Error::new_spanned(
            &message.ty,
            "take the command by value; by reference it is only for a function that is not async and decides on an aggregate",
        ));
    }
    let (find, get, command) = (handler.find(), handler.get(), &message.ty);
    let call = handler.call(&quote!(command), None);
    let mut stored_by = quote!(Bus);
    let answer = match stored_by_itself(&handler.output) {
        None => {
            if let Some(events) = events {
                return Err(Error::new_spanned(events, "what it answers says which events; leave this out"));
            }
            call
        }
        Some(answers) => {
            let events = events.or_else(|| events_of_store(handler)).ok_or_else(|| {
                Error::new_spanned(
                    &handler.call,
                    "it answers no events, so that nothing says which bus it is for; \
                     write #[command_handler(events = AccountEvent)], or answer the events",
                )
            })?;
            stored_by = quote!(Handler);
            match answers {
                Unit::Plain => quote!({ #call; #krate::Decision::<#events>::none() }),
                Unit::Result => quote!(#call.map(|()| #krate::Decision::<#events>::none())),
            }
        }
    };
    Ok(quote! {
        const _: () = {
            #krate::inventory::submit! {
                #krate::DiscoveredCommandHandler::new(
                    ::core::concat!(::core::module_path!(), "::", #name),
                    |name, discovery| discovery.answering(name, #krate::StoredBy::#stored_by, |resolver| {
                        #find
                        ::core::option::Option::Some(move |command: #command, context: &#krate::DispatchContext| {
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

/// How a handler answers that stores its events by itself.
enum Unit {
    Plain,
    Result,
}

fn stored_by_itself(output: &ReturnType) -> Option<Unit> {
    match output {
        ReturnType::Default => Some(Unit::Plain),
        ReturnType::Type(_, ty) if is_unit(ty) => Some(Unit::Plain),
        ReturnType::Type(_, ty) => {
            parameter_of(ty, "Result", 0).filter(|answer| is_unit(answer)).map(|_| Unit::Result)
        }
    }
}

/// The events of the store that it has been given to store them in.
fn events_of_store(handler: &Handler) -> Option<Type> {
    handler.others.iter().find_map(|argument| {
        let ty = parameter_of(&argument.ty, "Arc", 0).unwrap_or(&argument.ty);
        parameter_of(ty, "EventStore", 0).cloned()
    })
}

struct Attributes {
    krate: Option<Path>,
    events: Option<Type>,
}

impl Attributes {
    fn parse(attribute: TokenStream) -> Result<Self> {
        let (mut krate, mut events) = (None, None);
        let parser = syn::meta::parser(|meta| {
            let known = meta.path.get_ident().map(Ident::to_string);
            match known.as_deref() {
                Some("crate") => krate = Some(meta.value()?.call(Path::parse_mod_style)?),
                Some("events") => events = Some(meta.value()?.parse()?),
                _ => {
                    return Err(meta.error(
                        "unknown here; a command handler takes `events = AccountEvent` where it answers none, or nothing",
                    ));
                }
            }
            Ok(())
        });
        parser.parse2(attribute)?;
        Ok(Self { krate, events })
    }
}
