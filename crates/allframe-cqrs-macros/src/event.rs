use std::collections::HashMap;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Attribute, Error, Fields, Generics, Ident, Item, ItemEnum, ItemStruct, Result, parse_quote,
    spanned::Spanned as _,
};

use crate::{
    arguments::{refuse_lifetimes, refuse_second, shown_at},
    earlier_serde::{container_of_struct, container_of_variant, refuse_default_of_the_whole},
    event_attributes::{
        KindAttributes, Names, Part, TypeAttributes, UNKNOWN, has_form_of_its_own, is_read_with,
        is_skipped_by_serde, refuse_conditions,
    },
    event_schema::{self, Described},
    field_history::{refuse_changes_of_event, take_histories},
    migration::{Migrations, payload},
    tag::{FieldTag, take_tags},
    unknown_variant::{Unknown, implement_unknown, refuse_names_and_versions, take_unknown},
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
    migrations: Migrations,
    /// The fields of its content, where that alone is stored.
    content: Option<Fields>,
}

impl Kind {
    /// Its `EventVariant`.
    fn variant(&self, krate: &TokenStream) -> TokenStream {
        let serde_index = self.serde_index.map(|index| quote!(.with_serde_index(#index)));
        let (name, aliases) = (self.names.name(), self.names.aliases());
        let version = self.migrations.of_variant();
        quote!(#krate::EventVariant::new(#name).with_aliases(&[#(#aliases),*]) #serde_index #version)
    }
}

fn expand_enum(attributes: TypeAttributes, mut item: ItemEnum) -> Result<TokenStream> {
    if let Some(span) = attributes.kind.names.span() {
        return Err(Error::new(
            span,
            "an enum itself has no name in the store; rename its variants, each with #[event(rename = \"..\")]",
        ));
    }
    if let Some(span) = attributes.kind.version.span() {
        return Err(Error::new(
            span,
            "an enum itself has no version; its variants have, each with #[event(version = N)]",
        ));
    }
    if let Some(mark) = &attributes.kind.unknown {
        return Err(Error::new_spanned(
            mark,
            format!("one of the variants is for what is not known: {UNKNOWN}"),
        ));
    }
    refuse_misplaced(&item.attrs, &item.generics)?;
    let mut whole = has_form_of_its_own(&item.attrs)?;
    for variant in &item.variants {
        refuse_conditions(&variant.attrs, Part::Variant)?;
        refuse_changes_of_event(&variant.attrs)?;
        whole |= has_form_of_its_own(&variant.attrs)?;
    }
    let mut kinds = Vec::new();
    let mut unknown = None;
    let mut next_index = 0;
    for variant in &mut item.variants {
        let KindAttributes { names, version, unknown: is_unknown } =
            KindAttributes::take(&mut variant.attrs)?;
        if let Some(mark) = is_unknown {
            refuse_names_and_versions(&names, &version)?;
            take_unknown(variant, &mark, &mut unknown)?;
            continue;
        }
        let ident = &variant.ident;
        let skipped = is_skipped_by_serde(&variant.attrs)?;
        // serde counts only the variants that it reads.
        let serde_index = if skipped { u32::MAX } else { next_index };
        next_index += u32::from(!skipped);
        let mut fields = variant.fields.clone();
        if attributes.schema.is_some() {
            event_schema::tell_aliases(&mut fields);
        }
        let histories = take_histories(&mut fields)?;
        take_histories(&mut variant.fields)?;
        if attributes.schema.is_some() && !whole && !event_schema::is_derived(&item.attrs) {
            event_schema::take_schemars(&mut variant.fields);
        }
        let tags = take_tags(&mut variant.fields)?;
        let container = container_of_variant(&item.attrs, &variant.attrs)?;
        let migrations = Migrations::new(&version, histories, container)?;
        let has_form = whole || (migrations.have_changes() && is_read_with(&variant.attrs)?);
        refuse_migrations(has_form, &migrations, &item.generics, ident)?;
        kinds.push(Kind {
            names: names.or_name(attributes.stored_name(ident)?),
            serde_index: (!whole).then_some(serde_index),
            pattern: quote!(Self::#ident { .. }),
            path: quote!(Self::#ident),
            tags,
            migrations,
            content: (!whole).then_some(fields),
        });
    }
    refuse_names_used_twice(&kinds)?;
    if let (Some(unknown), true) = (&unknown, kinds.is_empty()) {
        return Err(Error::new_spanned(
            &unknown.ident,
            "there is no event here that is known; write at least one",
        ));
    }
    let implementation = implement(&attributes, &item.ident, &item.generics, &kinds, None, unknown.as_ref());
    let schemas = schemas_of(&attributes, &item.ident, &item.generics, &kinds)?;
    if attributes.schema.is_some() && whole {
        event_schema::derive(&mut item.attrs, &attributes.krate());
    }
    Ok(quote!(#item #implementation #schemas))
}

fn expand_struct(attributes: TypeAttributes, mut item: ItemStruct) -> Result<TokenStream> {
    let KindAttributes { names, version, unknown } = &attributes.kind;
    if let Some(mark) = unknown {
        return Err(Error::new_spanned(mark, "`unknown` goes on a variant; a struct is one kind of event"));
    }
    refuse_misplaced(&item.attrs, &item.generics)?;
    if attributes.schema.is_some() {
        event_schema::tell_aliases(&mut item.fields);
    }
    let histories = take_histories(&mut item.fields)?;
    let tags = take_tags(&mut item.fields)?;
    let migrations = Migrations::new(version, histories, container_of_struct(&item.attrs)?)?;
    if migrations.are_there() {
        refuse_default_of_the_whole(&item.attrs)?;
    }
    refuse_migrations(has_form_of_its_own(&item.attrs)?, &migrations, &item.generics, &item.ident)?;
    let kind = Kind {
        names: names.clone().or_name(attributes.stored_name(&item.ident)?),
        serde_index: None,
        pattern: quote!(Self { .. }),
        path: quote!(Self),
        tags,
        migrations,
        content: None,
    };
    let name = kind.names.name().cloned();
    refuse_names_used_twice(std::slice::from_ref(&kind))?;
    let type_name = quote! {
        fn event_type_name() -> &'static str {
            #name
        }
    };
    let kinds = [kind];
    let implementation = implement(&attributes, &item.ident, &item.generics, &kinds, Some(type_name), None);
    let schemas = schemas_of(&attributes, &item.ident, &item.generics, &kinds)?;
    if attributes.schema.is_some() {
        event_schema::derive(&mut item.attrs, &attributes.krate());
    }
    Ok(quote!(#item #implementation #schemas))
}

/// What derives its schemas, for a type that asks for it.
fn schemas_of(
    attributes: &TypeAttributes,
    ident: &Ident,
    generics: &Generics,
    kinds: &[Kind],
) -> Result<Option<TokenStream>> {
    let Some(schema) = &attributes.schema else { return Ok(None) };
    let is_content = kinds.iter().any(|kind| kind.content.is_some());
    event_schema::refuse(schema, is_content, generics)?;
    // What serde skips is never stored.
    let stored = kinds.iter().filter(|kind| kind.serde_index != Some(u32::MAX));
    let described: Vec<_> = stored
        .map(|kind| {
            let name = kind.names.name();
            Described { name: quote!(#name), migrations: &kind.migrations, content: kind.content.as_ref() }
        })
        .collect();
    Ok(Some(event_schema::implement(&attributes.krate(), ident, generics, &described)))
}

fn implement(
    attributes: &TypeAttributes,
    ident: &Ident,
    generics: &syn::Generics,
    kinds: &[Kind],
    type_name: Option<TokenStream>,
    unknown: Option<&Unknown>,
) -> TokenStream {
    let krate = attributes.krate();
    let event_generics = with_event_bounds(ident, generics, &krate);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let (_, _, event_where_clause) = event_generics.split_for_impl();
    let variants = kinds.iter().map(|kind| kind.variant(&krate));
    let indices = kinds.iter().enumerate().map(|(index, kind)| {
        let pattern = &kind.pattern;
        quote!(#pattern => #index)
    });
    // It is none of the kinds: it has the name that it came with.
    let unknown_index = unknown.map(|Unknown { ident, .. }| quote!(Self::#ident(..) => usize::MAX));
    let indices = indices.chain(unknown_index);
    let tags = implement_tags(&krate, kinds, unknown);
    let unknown = unknown.map(|unknown| implement_unknown(&krate, unknown));
    let from_earlier = implement_from_earlier(&krate, ident, kinds);
    let upcasters = attributes.upcasters.as_ref().map(|path| {
        let call = quote_spanned!(shown_at(path.span())=> #path());
        quote! {
            fn upcasters() -> #krate::VersionRegistry<Self> {
                #call
            }
        }
    });
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

            #from_earlier
            #upcasters
            #unknown
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
fn implement_tags(krate: &TokenStream, kinds: &[Kind], unknown: Option<&Unknown>) -> Option<TokenStream> {
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
    let none = quote!(::core::result::Result::Ok(#krate::Tags::NONE));
    let arms = arms.chain(unknown.map(|Unknown { ident, .. }| quote!(Self::#ident(..) => #none)));
    Some(quote! {
        fn tags(&self) -> ::core::result::Result<#krate::Tags, #krate::InvalidInput> {
            match self {
                #(#arms),*
            }
        }
    })
}

/// Only for a type that reads earlier versions by itself.
fn implement_from_earlier(krate: &TokenStream, event: &Ident, kinds: &[Kind]) -> Option<TokenStream> {
    if !kinds.iter().any(|kind| kind.migrations.are_there()) {
        return None;
    }
    let arms = kinds
        .iter()
        .enumerate()
        .map(|(place, kind)| kind.migrations.arms(krate, event, place, &kind.path, &kind.variant(krate)));
    let payload = payload();
    // As `payload` is: names that nothing in a default or a conversion can mean.
    let kind = Ident::new("kind", Span::mixed_site());
    let schema_version = Ident::new("schema_version", Span::mixed_site());
    Some(quote! {
        fn from_earlier(
            #kind: usize,
            #schema_version: u32,
            #payload: #krate::EarlierPayload,
        ) -> ::core::result::Result<Self, #krate::DecodeReason> {
            match (#kind, #schema_version) {
                #(#arms)*
                _ => ::core::result::Result::Err(#krate::DecodeReason::UnknownVersion),
            }
        }
    })
}

fn refuse_misplaced(attributes: &[Attribute], generics: &Generics) -> Result<()> {
    refuse_second("event", attributes)?;
    refuse_changes_of_event(attributes)?;
    refuse_lifetimes(generics, "an event is read from what is stored: it owns its fields, and borrows none")
}

/// Refuses what earlier versions cannot be read for.
fn refuse_migrations(is_whole: bool, migrations: &Migrations, generics: &Generics, at: &Ident) -> Result<()> {
    if !migrations.are_there() {
        return Ok(());
    }
    if is_whole {
        return Err(Error::new_spanned(
            at,
            "serde gives this type a form of its own, of which fields say nothing; write upcasters for its earlier versions",
        ));
    }
    if !generics.params.is_empty() {
        return Err(Error::new_spanned(
            generics,
            "a type with parameters does not read its earlier versions by itself; write upcasters for them",
        ));
    }
    Ok(())
}

fn refuse_names_used_twice(kinds: &[Kind]) -> Result<()> {
    let mut seen = HashMap::new();
    let names =
        kinds.iter().enumerate().flat_map(|(place, kind)| kind.names.all().map(move |name| (place, name)));
    for (place, name) in names {
        let text = name.value();
        let why = match seen.insert(text.clone(), place) {
            None => continue,
            Some(other) if other == place => {
                format!("this kind of event has the name `{text}` anyway; leave it out here")
            }
            Some(_) => format!(
                "the name `{text}` stands for more than one kind of event; a stored event could not be told by it"
            ),
        };
        return Err(Error::new(name.span(), why));
    }
    Ok(())
}
