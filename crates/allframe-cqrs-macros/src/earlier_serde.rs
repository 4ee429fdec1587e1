//! What serde is told of an earlier form of an event: what it is told of today's, as far as that held then.

use syn::{Attribute, Error, Meta, Result, Token, parse_quote, punctuated::Punctuated};

use crate::field_history::FieldHistory;

/// What serde is told of the field in payloads of a version.
pub(crate) fn serde_in(field: &FieldHistory, version: u32) -> Vec<Attribute> {
    let name = field.name_in(version);
    let is_converted = field.conversions_after(version).next().is_some();
    let mut metas: Vec<Meta> = field
        .serde
        .iter()
        .filter_map(|attribute| {
            attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()
        })
        .flatten()
        .filter(|meta| {
            let is = |word| meta.path().is_ident(word);
            // What reads a value of today's type reads none of another.
            let reads_today = is("with") || is("deserialize_with") || is("serialize_with") || is("default");
            let is_other_then = (name.is_some() && is("rename")) || (is_converted && reads_today);
            !is_other_then
        })
        .collect();
    metas.extend(name.map(|name| parse_quote!(rename = #name)));
    if metas.is_empty() { Vec::new() } else { vec![parse_quote!(#[serde(#(#metas),*)])] }
}

/// What serde is told of all fields of a struct.
pub(crate) fn container_of_struct(attributes: &[Attribute]) -> Result<Vec<Meta>> {
    let mut container = Vec::new();
    for meta in serde_metas(attributes)? {
        if ["rename_all", "deny_unknown_fields", "transparent"].iter().any(|word| meta.path().is_ident(word))
        {
            container.push(meta);
        }
    }
    Ok(container)
}

/// Refuses what serde takes absent fields from, where earlier versions are read: those have another type.
pub(crate) fn refuse_default_of_the_whole(attributes: &[Attribute]) -> Result<()> {
    match serde_metas(attributes)?.into_iter().find(|meta| meta.path().is_ident("default")) {
        Some(meta) => Err(Error::new_spanned(
            meta,
            "earlier versions do not know the default of the whole event; write #[serde(default)] on its fields",
        )),
        None => Ok(()),
    }
}

/// What serde is told of all fields of a variant.
pub(crate) fn container_of_variant(on_enum: &[Attribute], on_variant: &[Attribute]) -> Result<Vec<Meta>> {
    let mut container: Vec<Meta> = serde_metas(on_variant)?;
    container.retain(|meta| meta.path().is_ident("rename_all"));
    for mut meta in serde_metas(on_enum)? {
        if meta.path().is_ident("deny_unknown_fields") {
            container.push(meta);
        } else if meta.path().is_ident("rename_all_fields") && container.is_empty() {
            match &mut meta {
                Meta::Path(path) => *path = parse_quote!(rename_all),
                Meta::List(list) => list.path = parse_quote!(rename_all),
                Meta::NameValue(pair) => pair.path = parse_quote!(rename_all),
            }
            container.push(meta);
        }
    }
    Ok(container)
}

fn serde_metas(attributes: &[Attribute]) -> Result<Vec<Meta>> {
    let mut metas = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        metas.extend(attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)?);
    }
    Ok(metas)
}
