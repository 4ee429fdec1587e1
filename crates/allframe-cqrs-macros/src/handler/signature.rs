use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::{
    Error, FnArg, GenericArgument, Ident, Path, PathArguments, Result, ReturnType, Signature, Type,
    TypeGroup, TypeParen, spanned::Spanned,
};

use crate::arguments::without_self;

/// What a handler takes, as far as it can be read from how it is written.
pub(super) struct Handler {
    pub(super) krate: Path,
    /// How it is called: `open`, or `<Accounts>::open`.
    pub(super) call: TokenStream,
    pub(super) name: TokenStream,
    pub(super) is_async: bool,
    /// The command or query.
    pub(super) message: Argument,
    /// What it is called on, if it is a method, before the message.
    pub(super) receiver: Option<Argument>,
    /// What comes after the message.
    pub(super) others: Vec<Argument>,
    pub(super) output: ReturnType,
}

/// One argument: its type, and whether it is taken by reference.
pub(super) struct Argument {
    pub(super) ty: Type,
    pub(super) is_reference: bool,
}

/// The type whose method a handler is.
pub(super) struct Owner<'a> {
    pub(super) ty: &'a Type,
}

impl Handler {
    pub(super) fn parse(
        krate: Path,
        signature: &Signature,
        handled: &str,
        owner: Option<&Owner<'_>>,
    ) -> Result<Self> {
        refuse_qualifiers(signature)?;
        refuse_parameters(signature)?;
        // It is registered outside of the impl block, where there is no `Self`.
        let signature = &match owner {
            Some(Owner { ty }) => syn::parse2(without_self(quote!(#signature), &quote!(#ty)))?,
            None => signature.clone(),
        };
        let ident = &signature.ident;
        let (call, name) = match owner {
            Some(Owner { ty }) => {
                (quote!(<#ty>::#ident), quote!(::core::stringify!(#ty), "::", ::core::stringify!(#ident)))
            }
            None => (quote!(#ident), quote!(::core::stringify!(#ident))),
        };
        let mut arguments = signature.inputs.iter();
        let mut receiver = None;
        if let Some(FnArg::Receiver(this)) = signature.inputs.first() {
            let Some(Owner { ty }) = owner else {
                return Err(Error::new_spanned(
                    this,
                    "a method is registered with its type: write #[handlers] on the impl block, and this attribute inside",
                ));
            };
            receiver = Some(receiver_of(this, ty)?);
            arguments.next();
        }
        let message = match arguments.next() {
            Some(FnArg::Typed(typed)) => {
                refuse_exclusive(
                    &typed.ty,
                    &format!("a {handled} is carried out as it is; take it by value"),
                )?;
                Argument::of(&typed.ty)?
            }
            _ => {
                return Err(Error::new_spanned(
                    signature,
                    format!("a {handled} handler takes the {handled} as its first argument"),
                ));
            }
        };
        let is_async = signature.asyncness.is_some();
        let others = arguments.enumerate().map(|(place, argument)| match argument {
            FnArg::Typed(typed) => {
                let may_decide = place == 0 && !is_async && handled == "command";
                refuse_exclusive(&typed.ty, if may_decide { EXCLUSIVE_AGGREGATE } else { EXCLUSIVE })?;
                refuse_unsized(&typed.ty)?;
                Argument::of(&typed.ty)
            }
            FnArg::Receiver(this) => Err(Error::new_spanned(this, "`self` comes first")),
        });
        Ok(Self {
            krate,
            call,
            name,
            is_async,
            message,
            receiver,
            others: others.collect::<Result<_>>()?,
            output: signature.output.clone(),
        })
    }

    /// Where it says what it answers.
    pub(super) fn answered_at(&self) -> Span {
        match &self.output {
            ReturnType::Default => self.call.span(),
            ReturnType::Type(_, ty) => ty.span(),
        }
    }

    /// All that is given to it by type, the receiver first.
    fn injected(&self) -> Vec<&Argument> {
        self.receiver.iter().chain(&self.others).collect()
    }

    fn names(&self) -> Vec<Ident> {
        (0..self.injected().len()).map(|number| format_ident!("injected_{number}")).collect()
    }

    /// Finds what it is given, and notes all that is missing.
    pub(super) fn find(&self) -> TokenStream {
        let names = self.names();
        let find = self.injected().into_iter().map(|argument| {
            let ty = &argument.ty;
            quote_spanned!(ty.span()=> resolver.find::<#ty>())
        });
        quote! {
            let (#(#names,)*) = (#(#find,)*);
            let (#(#names,)*) = (#(#names?,)*);
        }
    }

    /// Gets what it is given for one dispatch.
    pub(super) fn get(&self) -> TokenStream {
        let names = self.names();
        quote! { let (#(#names,)*) = (#(#names.get(context),)*); }
    }

    /// The call, with what was got, the message, and perhaps something after it.
    pub(super) fn call(&self, message: &TokenStream, second: Option<TokenStream>) -> TokenStream {
        let mut given: Vec<_> = self
            .injected()
            .into_iter()
            .zip(self.names())
            .map(|(argument, name)| if argument.is_reference { quote!(&#name) } else { quote!(#name) })
            .collect();
        let others = given.split_off(usize::from(self.receiver.is_some()));
        let call = &self.call;
        let second = second.into_iter();
        let call = quote!(#call(#(#given,)* #message, #(#second,)* #(#others),*));
        if self.is_async { quote!(#call.await) } else { call }
    }
}

impl Argument {
    pub(super) fn of(ty: &Type) -> Result<Self> {
        match ty {
            Type::Reference(reference) => Ok(Self { ty: (*reference.elem).clone(), is_reference: true }),
            Type::ImplTrait(_) => Err(Error::new_spanned(
                ty,
                "what a handler is given is found by its type, which `impl ..` does not say; take an `Arc<dyn ..>`",
            )),
            ty => Ok(Self { ty: ty.clone(), is_reference: false }),
        }
    }
}

const EXCLUSIVE: &str =
    "what a handler is given is shared with others; take it by reference or by value, as an `Arc<Mutex<..>>`";

const EXCLUSIVE_AGGREGATE: &str = "a handler looks at the aggregate, and answers the events that change it: take it by `&`; anything else that it is given \
     is shared with others: take it by value, as an `Arc<Mutex<..>>`";

fn refuse_exclusive(ty: &Type, why: &str) -> Result<()> {
    match ty {
        Type::Reference(reference) if reference.mutability.is_some() => Err(Error::new_spanned(ty, why)),
        _ => Ok(()),
    }
}

/// Refuses a reference to what the bus cannot be given by value, to keep it.
fn refuse_unsized(ty: &Type) -> Result<()> {
    let Type::Reference(reference) = ty else { return Ok(()) };
    let mut behind = &*reference.elem;
    while let Type::Paren(TypeParen { elem, .. }) | Type::Group(TypeGroup { elem, .. }) = behind {
        behind = elem;
    }
    let owned = match behind {
        Type::TraitObject(object) => format!("Arc<{}>", object.to_token_stream()),
        Type::Slice(slice) => format!("Vec<{}>", slice.elem.to_token_stream()),
        Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
        _ => return Ok(()),
    };
    Err(Error::new_spanned(
        ty,
        format!("what a handler is given is kept by the bus, as a value; take `{owned}` or `&{owned}`"),
    ))
}

fn refuse_qualifiers(signature: &Signature) -> Result<()> {
    if let Some(unsafety) = &signature.unsafety {
        return Err(Error::new_spanned(
            unsafety,
            "whoever dispatches does not know what an `unsafe` handler asks of its caller; let a handler that is safe call it",
        ));
    }
    match &signature.abi {
        Some(abi) if abi.name.as_ref().is_none_or(|name| name.value() != "Rust") => Err(Error::new_spanned(
            abi,
            "a panic in an `extern` function ends the process; let a handler that is a plain `fn` call it",
        )),
        _ => Ok(()),
    }
}

fn refuse_parameters(signature: &Signature) -> Result<()> {
    let generics = &signature.generics;
    if generics.params.is_empty() {
        return Ok(());
    }
    let why = match generics.lifetimes().count() == generics.params.len() {
        true => "a handler that registers itself names no lifetimes; write `&` alone",
        false => {
            "a handler that registers itself has no parameters: nothing says for which types; give it to the bus by hand"
        }
    };
    Err(Error::new_spanned(generics, why))
}

fn receiver_of(this: &syn::Receiver, owner: &Type) -> Result<Argument> {
    let shared = syn::parse_quote!(::std::sync::Arc<#owner>);
    match (&this.reference, this.mutability, &this.colon_token) {
        (Some(_), None, None) => Ok(Argument { ty: shared, is_reference: true }),
        (None, None, Some(_)) if is_called(&this.ty, "Arc") => {
            Ok(Argument { ty: shared, is_reference: false })
        }
        _ => Err(Error::new_spanned(
            this,
            "a handler is shared by all dispatches: take `&self`, or `self: Arc<Self>`",
        )),
    }
}

/// The argument at a place of a type like `Result<T, E>`, if its name is this.
pub(crate) fn parameter_of<'a>(ty: &'a Type, name: &str, place: usize) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.nth(place)
}

/// Whether the last part of a path is this.
pub(crate) fn is_called(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == name))
}

/// A type as a generic argument; `_` where it cannot be written as one.
pub(super) fn written(ty: &Type) -> TokenStream {
    fn has_impl(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == "impl",
            TokenTree::Group(group) => has_impl(group.stream()),
            _ => false,
        })
    }
    if has_impl(ty.to_token_stream()) { quote!(_) } else { quote!(#ty) }
}

pub(super) fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}
