//! A method that is a handler, and of what.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, Error, Ident, ImplItemFn, LitStr, Meta, Path, Result, Type, spanned::Spanned as _};

use super::{
    arguments::Arguments,
    on::On,
    parameters::{Parameter, Parameters},
};
use crate::arguments::shown_at;

/// A marked method.
pub(super) struct Handler {
    of: HandlerOf,
    method: Ident,
    parameters: Parameters,
    /// Where it is left out, so is the handler.
    conditions: Vec<Attribute>,
}

/// What a method handles.
enum HandlerOf {
    Event(On),
    /// A timer of this name.
    Timer(String),
    Refusal,
}

impl Handler {
    /// What a method is marked as; the marks are taken off.
    pub(super) fn take(method: &mut ImplItemFn) -> Result<Vec<Self>> {
        let (mut handled, mut others) = (Vec::new(), Vec::new());
        for attribute in std::mem::take(&mut method.attrs) {
            match HandlerOf::marked_by(&attribute, method)? {
                Some(of) => handled.push(of),
                None => others.push(attribute),
            }
        }
        method.attrs = others;
        let conditions = || method.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned();
        handled
            .into_iter()
            .map(|of| {
                let parameters = Parameters::of(&method.sig)?;
                let (method, conditions) = (method.sig.ident.clone(), conditions().collect());
                Ok(Self { of, method, parameters, conditions })
            })
            .collect()
    }

    /// The type of the events, as far as this handler tells it.
    pub(super) fn event(&self) -> Option<Path> {
        match &self.of {
            HandlerOf::Event(on) => Some(on.event()),
            _ => None,
        }
    }

    /// What adds it to `manager`.
    pub(super) fn call(&self, arguments: &Arguments, event: &Path) -> Result<TokenStream> {
        let Self { of, method, parameters, conditions } = self;
        let call = match of {
            HandlerOf::Event(on) => on.call(method, parameters, arguments, event)?,
            HandlerOf::Timer(name) => self.on_timer(name, arguments)?,
            HandlerOf::Refusal => self.on_refused(arguments)?,
        };
        Ok(quote! {
            #(#conditions)*
            let manager = manager #call;
        })
    }

    fn on_timer(&self, name: &str, arguments: &Arguments) -> Result<TokenStream> {
        let krate = &arguments.krate;
        let payload = self.only_other("what the timer was set with")?;
        let ty = payload.map_or_else(
            || quote!(#krate::serde::de::IgnoredAny),
            |payload| {
                let ty: &Type = &payload.ty;
                quote!(#ty)
            },
        );
        let call = self.call_with(payload.map(|payload| match payload.is_reference {
            true => quote!(&payload),
            false => quote!(payload),
        }));
        Ok(quote! {
            .on_timer(#name, |state: &mut Self, payload: #ty, then: &mut #krate::process::Reaction<'_>| {
                let _ = &payload;
                #call
            })
        })
    }

    fn on_refused(&self, arguments: &Arguments) -> Result<TokenStream> {
        let krate = &arguments.krate;
        let refused = self.only_other("the command that was refused, `&Refused`")?;
        let call = self.call_with(refused.map(|_| quote!(refused)));
        Ok(quote! {
            .on_refused(|state: &mut Self, refused: &#krate::process::Refused, then: &mut #krate::process::Reaction<'_>| {
                #call
            })
        })
    }

    /// The one parameter that is not the reaction.
    fn only_other(&self, what: &str) -> Result<Option<&Parameter>> {
        let mut others = self.parameters.all.iter().filter(|parameter| !parameter.is_called("Reaction"));
        let other = others.next();
        match others.next() {
            Some(one_more) => Err(Error::new_spanned(
                &one_more.name,
                format!("beside the reaction there is one thing to be given here: {what}"),
            )),
            None => Ok(other),
        }
    }

    fn call_with(&self, other: Option<TokenStream>) -> TokenStream {
        let method = &self.method;
        let given = self.parameters.all.iter().map(|parameter| match &other {
            Some(other) if !parameter.is_called("Reaction") => other.clone(),
            _ => quote!(then),
        });
        quote_spanned!(shown_at(method.span())=> state.#method(#(#given),*))
    }
}

impl HandlerOf {
    fn marked_by(attribute: &Attribute, method: &ImplItemFn) -> Result<Option<Self>> {
        let Some(last) = attribute.path().segments.last() else { return Ok(None) };
        Ok(Some(match last.ident.to_string().as_str() {
            "on" => Self::Event(On::parse(attribute)?),
            "on_timer" => Self::Timer(match &attribute.meta {
                Meta::Path(_) => method.sig.ident.to_string(),
                _ => attribute
                    .parse_args::<LitStr>()
                    .map_err(|_| {
                        Error::new(
                            attribute.span(),
                            "write #[on_timer(\"name\")], or #[on_timer] where the method has its name",
                        )
                    })?
                    .value(),
            }),
            "on_refused" => match &attribute.meta {
                Meta::Path(_) => Self::Refusal,
                _ => {
                    return Err(Error::new_spanned(
                        attribute,
                        "write #[on_refused] alone: it is told of every command",
                    ));
                }
            },
            _ => return Ok(None),
        }))
    }
}
