//! `#[process_manager]`: the methods of an impl block are the handlers of a process manager.

mod arguments;
mod handler;
mod on;
mod parameters;

use arguments::Arguments;
use handler::Handler;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ImplItem, Item, Path, Result};

use crate::arguments::refuse_second;

/// Implements `Process` for the type of an impl block, and leaves the block otherwise as it is.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let arguments = Arguments::parse(attribute)?;
    let Item::Impl(mut block) = syn::parse2::<Item>(item.clone())? else {
        return Err(Error::new_spanned(item, "#[process_manager] goes on an impl block"));
    };
    refuse_second("process_manager", &block.attrs)?;
    if let Some((_, of, _)) = &block.trait_ {
        return Err(Error::new_spanned(
            of,
            "#[process_manager] goes on the methods of a type, not on those of a trait",
        ));
    }
    if !block.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &block.generics,
            "a process manager that is stored under one name has no parameters; make it by hand with `ProcessManager::new`",
        ));
    }
    let mut handlers = Vec::new();
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        handlers.extend(Handler::take(method)?);
    }
    let event = arguments.event.clone().or_else(|| handlers.iter().find_map(Handler::event));
    let Some(event) = event else {
        return Err(Error::new_spanned(
            &block.self_ty,
            "no method here is marked with #[on(..)], to say what it reacts to",
        ));
    };
    let calls =
        handlers.iter().map(|handler| handler.call(&arguments, &event)).collect::<Result<Vec<_>>>()?;
    let Arguments { krate, name, .. } = &arguments;
    let ty = &block.self_ty;
    Ok(quote! {
        #block

        impl #krate::process::Process for #ty {
            type Event = #event;
            const NAME: &'static str = #name;

            fn process_manager() -> #krate::process::ProcessManager<Self, #event> {
                let manager = #krate::process::ProcessManager::<Self, #event>::new(#name);
                #(#calls)*
                manager
            }
        }
    })
}

/// The type of which a path is a variant: what is before its last name, where that is the name of a type.
fn enum_of(path: &Path) -> Option<Path> {
    let mut before = path.clone();
    before.segments.pop();
    let pair = before.segments.pop()?;
    let last = pair.into_value();
    last.ident.to_string().starts_with(char::is_uppercase).then(|| {
        before.segments.push(last);
        before
    })
}
