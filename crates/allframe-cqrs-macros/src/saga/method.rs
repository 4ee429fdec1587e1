use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Error, FnArg, Ident, Path, Result, ReturnType, Signature, Type, spanned::Spanned as _};

use super::parameter::{Given, Parameter};
use crate::{
    arguments::{at_span, shown_at},
    handler::is_called,
};

/// A method of a saga, as far as it can be read from how it is written.
pub(super) struct Method {
    pub(super) name: Ident,
    pub(super) is_async: bool,
    receiver: Receiver,
    pub(super) parameters: Vec<Parameter>,
    /// Where it says what it answers, for what is generated of that.
    pub(super) answered_at: Span,
}

/// What a method is called on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Receiver {
    Nothing,
    Reference,
    Shared,
}

impl Method {
    /// Reads a method of a saga with these steps.
    pub(super) fn read(signature: &Signature, steps: &[String]) -> Result<Self> {
        refuse_qualifiers(signature)?;
        let mut arguments = signature.inputs.iter().peekable();
        let receiver = match arguments.next_if(|first| matches!(first, FnArg::Receiver(_))) {
            Some(FnArg::Receiver(this)) => receiver_of(this)?,
            _ => Receiver::Nothing,
        };
        let answered_at = match &signature.output {
            ReturnType::Default => signature.ident.span(),
            ReturnType::Type(_, ty) => ty.span(),
        };
        Ok(Self {
            name: signature.ident.clone(),
            is_async: signature.asyncness.is_some(),
            receiver,
            parameters: arguments.map(|argument| Parameter::read(argument, steps)).collect::<Result<_>>()?,
            answered_at: shown_at(answered_at),
        })
    }

    /// The steps whose outputs it takes, with whether there may be none, and the type that says so.
    pub(super) fn outputs(&self) -> impl Iterator<Item = (usize, bool, &Type)> {
        self.parameters.iter().filter_map(|parameter| match parameter.given {
            Given::Output { step, is_optional } => Some((step, is_optional, &parameter.ty)),
            _ => None,
        })
    }

    /// An `Arc` of the saga for a closure to keep, if the method is called on one.
    pub(super) fn keep(&self) -> TokenStream {
        match self.receiver {
            Receiver::Nothing => TokenStream::new(),
            _ => quote!(let this = ::std::sync::Arc::clone(&self);),
        }
    }

    /// One more of what is [kept](Self::keep), for a future.
    pub(super) fn keep_again(&self) -> TokenStream {
        match self.receiver {
            Receiver::Nothing => TokenStream::new(),
            _ => quote!(let this = ::std::sync::Arc::clone(&this);),
        }
    }

    /// Statements that find what it takes, and its answer as a `Result`, where `context` is a reference to the context.
    ///
    /// `own` is the step that it undoes, whose output is there as `own`.
    pub(super) fn call(&self, krate: &Path, steps: &[String], own: Option<usize>) -> TokenStream {
        let (mut found, mut given) = (Vec::new(), Vec::new());
        for (place, parameter) in self.parameters.iter().enumerate() {
            // A span is that of one word here, and the `&` says nothing.
            let at = shown_at(parameter.referred().span());
            let argument = Ident::new(&format!("argument_{place}"), at);
            given.push(match &parameter.given {
                Given::Input => quote_spanned!(at=> context.input()),
                Given::Context { is_reference: true } => quote_spanned!(at=> context),
                Given::Context { is_reference: false } => quote_spanned!(at=> context.clone()),
                Given::Output { step, is_optional } => {
                    let output = output_of(steps, *step);
                    found.push(match (own == Some(*step), is_optional) {
                        (true, true) => quote!(let #argument = own;),
                        (true, false) => quote!(let #argument = #output.known(own)?;),
                        (false, true) => quote!(let #argument = #output.find(context)?;),
                        (false, false) => quote!(let #argument = #output.get(context)?;),
                    });
                    match is_optional {
                        true => quote_spanned!(at=> #argument.as_ref()),
                        false => quote_spanned!(at=> &#argument),
                    }
                }
            });
        }
        let receiver = match self.receiver {
            Receiver::Nothing => None,
            Receiver::Reference => Some(quote!(&*this)),
            Receiver::Shared => Some(quote!(::std::sync::Arc::clone(&this))),
        };
        let (name, given) = (&self.name, receiver.into_iter().chain(given));
        let call = quote_spanned!(shown_at(name.span())=> Self::#name(#(#given),*));
        let wait = self.is_async.then(|| quote!(.await));
        let answer = at_span(&quote!(#krate::saga::Answer), self.answered_at);
        let answer = quote_spanned!(self.answered_at=> #answer(#call #wait).into_result());
        quote! {
            let _ = context;
            #(#found)*
            #answer
        }
    }

    /// Whether it takes the output of this step.
    pub(super) fn takes(&self, step: usize) -> bool {
        self.outputs().any(|(taken, ..)| taken == step)
    }
}

/// The variable that is the output of a step.
pub(super) fn output_of(steps: &[String], step: usize) -> Ident {
    format_ident!("output_of_{}", steps.get(step).map_or("none", String::as_str))
}

fn receiver_of(this: &syn::Receiver) -> Result<Receiver> {
    match (&this.reference, this.mutability, &this.colon_token) {
        (Some(_), None, None) => Ok(Receiver::Reference),
        (None, None, Some(_)) if is_called(&this.ty, "Arc") => Ok(Receiver::Shared),
        _ => Err(Error::new_spanned(
            this,
            "what the steps are methods of is shared by all sagas: take `&self`, or `self: Arc<Self>`",
        )),
    }
}

fn refuse_qualifiers(signature: &Signature) -> Result<()> {
    if let Some(unsafety) = &signature.unsafety {
        return Err(Error::new_spanned(
            unsafety,
            "the orchestrator does not know what an `unsafe` method asks of its caller; let one that is safe call it",
        ));
    }
    let generics = &signature.generics;
    if generics.lifetimes().count() != generics.params.len() {
        return Err(Error::new_spanned(
            generics,
            "a method that the orchestrator calls has no parameters: nothing says for which types",
        ));
    }
    Ok(())
}
