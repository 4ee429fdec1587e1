//! `#[on(OrderEvent::Placed)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Attribute, Error, Ident, Path, Result, Token, Type,
    parse::{ParseStream, Parser as _},
    spanned::Spanned as _,
    token::Paren,
};

use super::{
    arguments::{Arguments, Key, field, function, known, once_key},
    enum_of,
    parameters::{Parameter, Parameters},
};
use crate::arguments::shown_at;

/// Which events a method reacts to.
pub(super) struct On {
    /// The variant, or the type.
    path: Path,
    /// Whether it is a variant whose fields have no names.
    is_tuple: bool,
    key: Option<Key>,
}

impl On {
    pub(super) fn parse(attribute: &Attribute) -> Result<Self> {
        const USAGE: &str = "write #[on(Type::Variant)], or #[on(Type)] for an event that is a struct";
        let list = attribute.meta.require_list().map_err(|_| Error::new_spanned(attribute, USAGE))?;
        let parse = |input: ParseStream<'_>| {
            let path = Path::parse_mod_style(input).map_err(|error| Error::new(error.span(), USAGE))?;
            let is_tuple = input.peek(Paren);
            if is_tuple {
                let inside;
                syn::parenthesized!(inside in input);
                inside.parse::<Token![..]>()?;
            }
            let mut key = None;
            if input.parse::<Option<Token![,]>>()?.is_some() {
                let parser = syn::meta::parser(|meta| match known(&meta).as_deref() {
                    Some("key") => once_key(&mut key, &meta, field),
                    Some("key_of") => once_key(&mut key, &meta, function),
                    _ => Err(meta.error("unknown here; write `key = field`, or `key_of = function`")),
                });
                parser.parse2(input.parse()?)?;
            }
            Ok(Self { path, is_tuple, key })
        };
        parse.parse2(list.tokens.clone())
    }

    /// The type of the events, as far as this tells it.
    pub(super) fn event(&self) -> Path {
        enum_of(&self.path).unwrap_or_else(|| self.path.clone())
    }

    /// What adds it to the process manager.
    pub(super) fn call(
        &self,
        method: &Ident,
        parameters: &Parameters,
        arguments: &Arguments,
        event: &Path,
    ) -> Result<TokenStream> {
        let variant = self.variant_of(event)?;
        let krate = &arguments.krate;
        let key = self.key(variant, arguments)?;
        let (mut fields, mut given) = (Vec::new(), Vec::new());
        for parameter in &parameters.all {
            given.push(if parameter.is_called("Reaction") {
                quote!(then)
            } else if parameter.is_called("Recorded") {
                quote!(recorded)
            } else if is_type(&parameter.ty, event) {
                given_as(parameter, &quote!(event))
            } else if variant.is_some() {
                // What it is, and what it should be, is shown where it is asked for.
                let local = format_ident!("field_{}", fields.len(), span = shown_at(parameter.name.span()));
                let field = match self.is_tuple {
                    true => {
                        let place = syn::Index {
                            index: u32::try_from(fields.len()).unwrap_or(u32::MAX),
                            span: parameter.name.span(),
                        };
                        quote!(#place)
                    }
                    false => {
                        let field = parameter.field();
                        quote!(#field)
                    }
                };
                fields.push(quote!(#field: #local));
                given_as(parameter, &quote!(#local))
            } else {
                let field = parameter.field();
                let span = shown_at(parameter.name.span());
                given_as(parameter, &quote_spanned!(span=> &event.#field))
            });
        }
        let call = quote_spanned!(shown_at(method.span())=> state.#method(#(#given),*));
        let call = match variant {
            Some(variant) => quote!(match event { #variant { #(#fields,)* .. } => #call, _ => {} }),
            None => call,
        };
        Ok(quote! {
            .on(
                |recorded: &#krate::Recorded<#event>| {
                    let event: &#event = &recorded.event;
                    #key
                },
                |state: &mut Self, recorded: &#krate::Recorded<#event>, then: &mut #krate::process::Reaction<'_>| {
                    let event: &#event = &recorded.event;
                    #[allow(unreachable_patterns)]
                    { #call }
                },
            )
        })
    }

    /// The variant that it is, or none where it is the type itself.
    fn variant_of(&self, event: &Path) -> Result<Option<&Path>> {
        if is_same(&self.path, event) {
            return Ok(None);
        }
        match enum_of(&self.path) {
            Some(of) if is_same(&of, event) => Ok(Some(&self.path)),
            _ => Err(Error::new_spanned(
                &self.path,
                format!(
                    "this is no `{}`, and no variant of it; a process manager reacts to events of one type, write `event = Type`",
                    quote!(#event).to_string().replace(' ', "")
                ),
            )),
        }
    }

    /// The key of an event, if it is for this handler.
    fn key(&self, variant: Option<&Path>, arguments: &Arguments) -> Result<TokenStream> {
        let Some(key) = self.key.as_ref().or(arguments.key.as_ref()) else {
            return Err(Error::new(
                self.path.span(),
                "say which instance the event is for: `key = field`, or `key_of = function`, here or in #[process_manager]",
            ));
        };
        let shown = |field: &Ident| {
            let span = shown_at(field.span());
            quote_spanned!(span=> ::std::string::ToString::to_string)
        };
        Ok(match (key, variant) {
            (Key::Field(field), Some(variant)) => {
                let to_string = shown(field);
                quote! {
                    #[allow(unreachable_patterns)]
                    match event { #variant { #field: key, .. } => ::core::option::Option::Some(#to_string(key)), _ => ::core::option::Option::None }
                }
            }
            (Key::Field(field), None) => {
                let to_string = shown(field);
                quote!(::core::option::Option::Some(#to_string(&event.#field)))
            }
            (Key::Function(function), Some(variant)) => quote! {
                #[allow(unreachable_patterns)]
                match event { #variant { .. } => #function(event), _ => ::core::option::Option::None }
            },
            (Key::Function(function), None) => quote!(#function(event)),
        })
    }
}

/// A reference, or what is cloned of it.
fn given_as(parameter: &Parameter, reference: &TokenStream) -> TokenStream {
    let span = shown_at(parameter.name.span());
    match parameter.is_reference {
        true => reference.clone(),
        false => quote_spanned!(span=> ::core::clone::Clone::clone(#reference)),
    }
}

/// Whether two paths are written in the same way.
fn is_same(one: &Path, other: &Path) -> bool {
    quote!(#one).to_string() == quote!(#other).to_string()
}

fn is_type(ty: &Type, event: &Path) -> bool {
    matches!(ty, Type::Path(path) if path.qself.is_none() && is_same(&path.path, event))
}
