use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Generics, Item, ItemEnum, ItemStruct, Result, parse_quote};

use crate::{
    event_attributes::{Names, TypeAttributes, has_form_of_its_own, is_skipped_by_serde, refuse_conditions},
    tag::{FieldTag, take_tags},
};

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let attributes = TypeAttributes::parse(attribute)?;
    match syn::parse2::<Item>(item)? {
        Item::Enum(item) => expand_enum(attributes, item),
        Item::Struct(item) => expand_struct(attributes, item),
        other => Err(Error::new_spanned(
            other,
            "#[event] goes on an enum, whose variants are the events, or on a struct, which is one",
        )),
    }
}

/// A kind of event: a variant, or the struct.
struct Kind {
    names: Names,
    /// None where the payload is the whole value.
    serde_index: Option<u32>,
    /// What matches it, binding nothing.
    pattern: TokenStream,
    /// The path to it, as a pattern's head.
    path: TokenStream,
    tags: Vec<FieldTag>,
}

fn expand_enum(attributes: TypeAttributes, mut item: ItemEnum) -> Result<TokenStream> {
    if let Some(span) = attributes.names.span() {
        return Err(Error::new(
            span,
            "an enum itself has no name in the store; rename its variants, each with #[event(rename = \"..\")]",
        ));
    }
    let mut whole = has_form_of_its_own(&item.attrs)?;
    for variant in &item.variants {
        refuse_conditions(&variant.attrs)?;
        whole |= has_form_of_its_own(&variant.attrs)?;
    }
    let mut kinds = Vec::new();
    let mut next_index = 0;
    for variant in &mut item.variants {
        let ident = &variant.ident;
        let skipped = is_skipped_by_serde(&variant.attrs)?;
        // serde counts only the variants that it reads.
        let serde_index = if skipped { u32::MAX } else { next_index };
        next_index += u32::from(!skipped);
        kinds.push(Kind {
            names: Names::take(&mut variant.attrs)?.or_name(attributes.stored_name(ident)),
            serde_index: (!whole).then_some(serde_index),
            pattern: quote!(Self::#ident { .. }),
            path: quote!(Self::#ident),
            tags: take_tags(&mut variant.fields)?,
        });
    }
    refuse_names_used_twice(&kinds)?;
    let implementation = implement(&attributes, &item.ident, &item.generics, &kinds, None);
    Ok(quote!(#item #implementation))
}

fn expand_struct(attributes: TypeAttributes, mut item: ItemStruct) -> Result<TokenStream> {
    let tags = take_tags(&mut item.fields)?;
    let kind = Kind {
        names: attributes.names.clone().or_name(attributes.stored_name(&item.ident)),
        serde_index: None,
        pattern: quote!(Self { .. }),
        path: quote!(Self),
        tags,
    };
    let name = kind.names.name();
    refuse_names_used_twice(std::slice::from_ref(&kind))?;
    let type_name = quote! {
        fn event_type_name() -> &'static str {
            #name
        }
    };
    let implementation = implement(&attributes, &item.ident, &item.generics, &[kind], Some(type_name));
    Ok(quote!(#item #implementation))
}

fn implement(
    attributes: &TypeAttributes,
    ident: &syn::Ident,
    generics: &syn::Generics,
    kinds: &[Kind],
    type_name: Option<TokenStream>,
) -> TokenStream {
    let krate = attributes.krate();
    let event_generics = with_event_bounds(ident, generics, &krate);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let (_, _, event_where_clause) = event_generics.split_for_impl();
    let variants = kinds.iter().map(|kind| {
        let serde_index = kind.serde_index.map(|index| quote!(.with_serde_index(#index)));
        let (name, aliases) = (kind.names.name(), kind.names.aliases());
        quote!(#krate::EventVariant::new(#name).with_aliases(&[#(#aliases),*]) #serde_index)
    });
    let indices = kinds.iter().enumerate().map(|(index, kind)| {
        let pattern = &kind.pattern;
        quote!(#pattern => #index)
    });
    let tags = implement_tags(&krate, kinds);
    quote! {
        impl #impl_generics #krate::EventTypeName for #ident #type_generics #where_clause {
            #type_name

            fn variants() -> &'static [#krate::EventVariant] {
                const VARIANTS: &[#krate::EventVariant] = &[#(#variants),*];
                VARIANTS
            }

            fn variant_index(&self) -> usize {
                match *self {
                    #(#indices),*
                }
            }

            #tags
        }

        impl #impl_generics #krate::Event for #ident #type_generics #event_where_clause {}
    }
}

/// A generic type is an event where its parameters allow it, as it is `Clone` where they do.
fn with_event_bounds(ident: &syn::Ident, generics: &Generics, krate: &TokenStream) -> Generics {
    let mut bounded = generics.clone();
    if generics.type_params().next().is_some() {
        let (_, type_generics, _) = generics.split_for_impl();
        bounded.make_where_clause().predicates.push(parse_quote!(#ident #type_generics: #krate::EventBounds));
    }
    bounded
}

/// Only for a type that has tags: the provided method is the same as none.
fn implement_tags(krate: &TokenStream, kinds: &[Kind]) -> Option<TokenStream> {
    if kinds.iter().all(|kind| kind.tags.is_empty()) {
        return None;
    }
    let arms = kinds.iter().map(|kind| {
        let Kind { path, pattern, tags, .. } = kind;
        if tags.is_empty() {
            return quote!(#pattern => ::core::result::Result::Ok(#krate::Tags::NONE));
        }
        let bindings = tags.iter().map(FieldTag::binding);
        let made = tags
            .iter()
            .flat_map(FieldTag::tags)
            .map(|(key, variable)| quote!(#krate::Tag::of(#key, #variable)?));
        quote!(#path { #(#bindings,)* .. } => #krate::Tags::new([#(#made),*]))
    });
    Some(quote! {
        fn tags(&self) -> ::core::result::Result<#krate::Tags, #krate::InvalidInput> {
            match self {
                #(#arms),*
            }
        }
    })
}

fn refuse_names_used_twice(kinds: &[Kind]) -> Result<()> {
    let mut seen = HashMap::new();
    for name in kinds.iter().flat_map(|kind| kind.names.all()) {
        if seen.insert(name.value(), ()).is_some() {
            return Err(Error::new(
                name.span(),
                format!(
                    "the name `{}` stands for more than one kind of event; a stored event could not be told by it",
                    name.value()
                ),
            ));
        }
    }
    Ok(())
}
