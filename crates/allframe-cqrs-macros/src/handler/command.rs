use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{
    Error, Ident, Path, Result, ReturnType, Signature, Type, parse::Parser, parse_quote, spanned::Spanned,
};

use super::signature::{Handler, Owner, is_called, is_unit, parameter_of, written};
use crate::arguments::{self, at_span, once, shown_at, value};

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
    let answer = answer_of(&handler);
    // What is no aggregate is shown where it is taken.
    let deciding = Ident::new("deciding", shown_at(aggregate.span()));
    Ok(quote! {
        const _: () = {
            #krate::inventory::submit! {
                #krate::DiscoveredCommandHandler::new(
                    ::core::concat!(::core::module_path!(), "::", #name),
                    |name, discovery| discovery.#deciding::<#command, #aggregate, #answer, _>(name, |resolver| {
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
        let why = match !handler.is_async && handler.others.iter().any(|other| other.is_reference) {
            true => {
                "take the command by value; where the function decides on an aggregate, that comes second, right after the command"
            }
            false => {
                "take the command by value; by reference it is only for a function that is not async and decides on an aggregate"
            }
        };
        return Err(Error::new_spanned(&message.ty, why));
    }
    let (find, get, command) = (handler.find(), handler.get(), &message.ty);
    let call = handler.call(&quote!(command), None);
    let kind = Answer::of(&handler.output);
    let events = match (&kind, events) {
        (Answer::Events, Some(events)) => {
            return Err(Error::new_spanned(events, "what it answers says which events; leave this out"));
        }
        (Answer::Nothing | Answer::ResultOfNothing, None) => {
            Some(events_of_store(handler).ok_or_else(|| nothing_says_which_bus(handler))?)
        }
        (_, events) => events,
    };
    let (stored_by, answered, answer) = match (kind, events) {
        (_, None) => (quote!(Bus), answer_of(handler), call),
        (Answer::Nothing, Some(events)) => {
            let decision = quote_spanned!(shown_at(events.span())=> Decision::<#events>);
            let decision = quote!(#krate::#decision);
            (quote!(Handler), decision.clone(), quote!({ #call; #decision::none() }))
        }
        (_, Some(events)) => {
            let answer = answer_of(handler);
            let at = shown_at(handler.output.span());
            let stored = at_span(&quote!(#krate::NothingToStore), at);
            (
                quote!(Handler),
                quote!(_),
                quote_spanned!(at=> <#answer as #stored>::into_decision::<#events>(#call)),
            )
        }
    };
    let answering = Ident::new("answering", shown_at(handler.answered_at()));
    Ok(quote! {
        const _: () = {
            #krate::inventory::submit! {
                #krate::DiscoveredCommandHandler::new(
                    ::core::concat!(::core::module_path!(), "::", #name),
                    |name, discovery| discovery.#answering::<#command, #answered, _, _>(name, #krate::StoredBy::#stored_by, |resolver| {
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

/// What a handler answers, as far as it can be read from how it is written.
enum Answer {
    Events,
    /// It stores its events by itself.
    Nothing,
    ResultOfNothing,
    /// Perhaps the name of one of the others.
    Other,
}

impl Answer {
    fn of(output: &ReturnType) -> Self {
        let ReturnType::Type(_, ty) = output else { return Self::Nothing };
        if is_unit(ty) {
            return Self::Nothing;
        }
        let in_result = parameter_of(ty, "Result", 0);
        match in_result.unwrap_or(ty) {
            answer if is_unit(answer) => Self::ResultOfNothing,
            answer if is_called(answer, "Vec") || is_called(answer, "Decision") => Self::Events,
            _ => Self::Other,
        }
    }
}

fn answer_of(handler: &Handler) -> TokenStream {
    match &handler.output {
        ReturnType::Default => quote_spanned!(shown_at(handler.answered_at())=> ()),
        ReturnType::Type(_, ty) => written(ty),
    }
}

fn nothing_says_which_bus(handler: &Handler) -> Error {
    Error::new_spanned(
        &handler.call,
        "it answers no events, so that nothing says which bus it is for; \
         write #[command_handler(events = AccountEvent)], or answer the events",
    )
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
                Some("crate") => once(&mut krate, &meta, arguments::krate),
                Some("events") => once(&mut events, &meta, |meta| {
                    value(meta, "write `events = AccountEvent`, the type of the events that it stores")
                }),
                _ => Err(meta.error(
                    "unknown here; a command handler takes `events = AccountEvent` where it answers none, or nothing",
                )),
            }
        });
        parser.parse2(attribute)?;
        Ok(Self { krate, events })
    }
}
