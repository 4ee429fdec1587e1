//! Impl blocks whose methods are the steps of a saga.

mod arguments;
mod definition;
mod duration;
mod method;
mod name;
mod order;
mod parameter;
mod step;

use arguments::SagaArguments;
use definition::Definition;
use order::Order;
use parameter::Given;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote};
use step::{Marked, Step};
use syn::{Attribute, Error, ImplItem, Item, ItemImpl, Result, Type};

use crate::arguments::{refuse_lifetimes, refuse_second};

/// Leaves an impl block as it is, without the marks of the steps, and implements `Saga` with them.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let Item::Impl(mut block) = syn::parse2::<Item>(item.clone())? else {
        return Err(Error::new_spanned(item, "#[saga] goes on an impl block, whose methods are the steps"));
    };
    let implementation = implement(attribute, &block).unwrap_or_else(Error::into_compile_error);
    // A second one is refused, and not carried out.
    block.attrs.retain(|attribute| !is_attribute(attribute, "saga"));
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            method.attrs.retain(|attribute| !step::is_mark(attribute));
        }
    }
    Ok(quote! {
        #block
        #implementation
    })
}

/// Whether the last part of the path of an attribute is this.
fn is_attribute(attribute: &Attribute, name: &str) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == name)
}

/// What `#[saga_step]` says that stands by itself.
pub(crate) fn expand_step() -> Result<TokenStream> {
    Err(Error::new(
        Span::call_site(),
        "#[saga_step] marks a method in an impl block with #[saga]: write #[saga] on the block, `#[saga] impl Trip { .. }`",
    ))
}

fn implement(attribute: TokenStream, block: &ItemImpl) -> Result<TokenStream> {
    let SagaArguments { krate, name, version, timeout, input } = SagaArguments::parse(attribute)?;
    refuse_second("saga", &block.attrs)?;
    if let Some((_, path, _)) = &block.trait_ {
        return Err(Error::new_spanned(
            path,
            "#[saga] goes on an impl block of the type itself, and implements `Saga` with it",
        ));
    }
    refuse_lifetimes(
        &block.generics,
        "a saga outlives whoever has begun it: its type owns its fields, and borrows none",
    )?;
    let ty = &block.self_ty;
    let name = match name {
        Some(name) => name,
        None => name_of(ty)?,
    };
    let marked = Marked::all(block, &krate)?;
    let names: Vec<String> = marked.iter().map(|marked| marked.name.clone()).collect();
    let steps = marked.into_iter().map(|marked| marked.step(block, &names)).collect::<Result<Vec<_>>>()?;
    let order = Order::of(&steps, &names)?;
    let input = input_of(&steps, input, ty)?;
    let steps = Definition { krate: &krate, names: &names, steps: &steps, order: &order }.code();
    let version = version.map(|version| quote!(.with_version(#version)));
    let timeout = timeout.map(|timeout| quote!(.with_timeout(#timeout)));
    let (generics, _, conditions) = block.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics #krate::saga::Saga for #ty #conditions {
            type Input = #input;
            const NAME: &'static str = #name;

            fn definition(self: ::std::sync::Arc<Self>) -> #krate::saga::SagaDefinition<Self::Input> {
                #[allow(unused_imports, reason = "not used where all methods may fail")]
                use #krate::saga::PlainAnswer as _;

                let definition = #krate::saga::SagaDefinition::<Self::Input>::new(
                    <Self as #krate::saga::Saga>::NAME,
                ) #version #timeout;
                #steps
                definition
            }
        }
    })
}

/// What the sagas of a type are called that are not given a name.
fn name_of(ty: &Type) -> Result<String> {
    let last = match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    };
    let last =
        last.ok_or_else(|| Error::new_spanned(ty, "say what its sagas are called: `name = \"..\"`"))?;
    name::checked(name::of_type(&last.ident), last.ident.span())
}

/// What the sagas are begun with: one type, however many say so.
fn input_of(steps: &[Step], declared: Option<Type>, ty: &Type) -> Result<Type> {
    let mut found = declared;
    let parameters = steps.iter().flat_map(Step::methods).flat_map(|method| &method.parameters);
    for parameter in parameters.filter(|parameter| matches!(parameter.given, Given::Input)) {
        let input = parameter.referred();
        let first = found.get_or_insert_with(|| input.clone());
        let (first, input) = (first.to_token_stream().to_string(), input.to_token_stream().to_string());
        if first != input {
            return Err(Error::new_spanned(
                &parameter.ty,
                format!(
                    "a saga is begun with one input: here it is a `{input}`, and before it was a `{first}`"
                ),
            ));
        }
    }
    found.ok_or_else(|| {
        Error::new_spanned(
            ty,
            "nothing says what its sagas are begun with: take `input: &Type` in a step, or write #[saga(input = Type)]",
        )
    })
}
