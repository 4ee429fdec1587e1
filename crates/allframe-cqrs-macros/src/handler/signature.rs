use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Error, FnArg, GenericArgument, Ident, Path, PathArguments, Result, ReturnType, Signature, Type,
    spanned::Spanned,
};

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
        if !signature.generics.params.is_empty() {
            return Err(Error::new_spanned(
                &signature.generics,
                "a handler that registers itself has no parameters: nothing says for which types; give it to the bus by hand",
            ));
        }
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
            Some(FnArg::Typed(typed)) => Argument::of(&typed.ty)?,
            _ => {
                return Err(Error::new_spanned(
                    signature,
                    format!("a {handled} handler takes the {handled} as its first argument"),
                ));
            }
        };
        let others = arguments.map(|argument| match argument {
            FnArg::Typed(typed) => Argument::of(&typed.ty),
            FnArg::Receiver(this) => Err(Error::new_spanned(this, "`self` comes first")),
        });
        Ok(Self {
            krate,
            call,
            name,
            is_async: signature.asyncness.is_some(),
            message,
            receiver,
            others: others.collect::<Result<_>>()?,
            output: signature.output.clone(),
        })
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
            Type::Reference(reference) if reference.mutability.is_some() => Err(Error::new_spanned(
                ty,
                "what a handler is given is shared with others; take it by reference or by value, as an `Arc<Mutex<..>>`",
            )),
            Type::Reference(reference) => Ok(Self { ty: (*reference.elem).clone(), is_reference: true }),
            Type::ImplTrait(_) => Err(Error::new_spanned(
                ty,
                "what a handler is given is found by its type, which `impl ..` does not say; take an `Arc<dyn ..>`",
            )),
            ty => Ok(Self { ty: ty.clone(), is_reference: false }),
        }
    }
}

fn receiver_of(this: &syn::Receiver, owner: &Type) -> Result<Argument> {
    let shared = syn::parse_quote!(::std::sync::Arc<#owner>);
    match (&this.reference, this.mutability, &this.colon_token) {
        (Some(_), None, None) => Ok(Argument { ty: shared, is_reference: true }),
        (None, None, Some(_)) => Ok(Argument { ty: shared, is_reference: false }),
        _ => Err(Error::new_spanned(
            this,
            "a handler is shared by all dispatches: take `&self`, or `self: Arc<Self>`",
        )),
    }
}

/// The argument at a place of a type like `Result<T, E>`, if its name is this.
pub(super) fn parameter_of<'a>(ty: &'a Type, name: &str, place: usize) -> Option<&'a Type> {
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
pub(super) fn is_called(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == name))
}

pub(super) fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}
