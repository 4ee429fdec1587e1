//! What reads the earlier schema versions of one kind of events, from what its fields say of themselves.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Attribute, Error, Expr, ExprLit, Ident, Lit, Meta, Result, Token, parse_quote, punctuated::Punctuated,
};

use crate::{
    field_history::{Conversion, FieldHistory},
    version::SchemaVersion,
};

/// The schema versions of one kind of events.
pub(crate) struct Migrations {
    today: u32,
    declared_since: u32,
    fields: Vec<FieldHistory>,
    /// What serde is told of all fields together.
    container: Vec<Meta>,
}

impl Migrations {
    pub(crate) fn new(
        version: &SchemaVersion,
        fields: Vec<FieldHistory>,
        container: Vec<Meta>,
    ) -> Result<Self> {
        let today = version.today();
        let mut changes = BTreeSet::new();
        let changed = fields.iter().flat_map(FieldHistory::changes);
        for (change, literal) in changed.chain(version.unchanged()) {
            if *change > today {
                return Err(Error::new(
                    literal.span(),
                    format!("the event has version {today}; write `#[event(version = {change})]` on it"),
                ));
            }
            changes.insert(*change);
        }
        let declared_since = version.declared_since(&changes)?;
        Ok(Self { today, declared_since, fields, container })
    }

    /// Whether any earlier version is read.
    pub(crate) fn are_there(&self) -> bool {
        self.declared_since < self.today
    }

    /// What adds the versions to an `EventVariant`.
    pub(crate) fn of_variant(&self) -> Option<TokenStream> {
        let Self { today, declared_since, .. } = self;
        (*today > 1).then(|| quote!(.with_schema_version(#today, #declared_since)))
    }

    /// For each earlier version, what matches it and what reads it: `payload` is the variable to read.
    pub(crate) fn arms(
        &self,
        krate: &TokenStream,
        kind: usize,
        path: &TokenStream,
        variant: &TokenStream,
    ) -> TokenStream {
        let arms = (self.declared_since..self.today).map(|version| {
            let read = match self.fields.iter().any(|field| differs(field, version)) {
                true => self.read(krate, version, path),
                false => quote!(payload.read_as::<Self>(&#variant)),
            };
            quote!((#kind, #version) => { #read })
        });
        quote!(#(#arms)*)
    }

    /// For each version from the first that is read by itself to today's, what adds its schema to the variable `schemas`. The form
    /// of today is that of this type.
    pub(crate) fn schemas(
        &self,
        krate: &TokenStream,
        name: &TokenStream,
        today: &TokenStream,
    ) -> TokenStream {
        let all = (self.declared_since..=self.today).map(|version| {
            if !self.fields.iter().any(|field| differs(field, version)) {
                return quote!(schemas.push(#krate::schema::EventSchema::of::<#today>(#name, #version)););
            }
            let schemars = quote!(#krate::schemars).to_string();
            let derives = quote! {
                #[derive(#krate::schemars::JsonSchema)]
                #[schemars(crate = #schemars, rename = #name)]
            };
            let Earlier { item, holes } = self.earlier(version, &derives, FieldHistory::told_to_schemars);
            // What a function converts tells the type of the field, where it is not said.
            let converted = self.fields.iter().filter(|field| field.is_in(version)).filter_map(|field| {
                let FieldHistory { ident, .. } = field;
                let Conversion { with, .. } = field.conversions_after(version).next()?;
                Some(quote!(let _ = (#with)(earlier.#ident);))
            });
            quote!({
                #item
                schemas.push(#krate::schema::EventSchema::of_parameter(
                    #name,
                    #version,
                    #[allow(unused_variables)]
                    |earlier: Earlier<#(#holes),*>| { #(#converted)* },
                ));
            })
        });
        quote!(#(#all)*)
    }

    /// What serde is told of all fields together.
    pub(crate) fn container(&self) -> &[Meta] {
        &self.container
    }

    fn read(&self, krate: &TokenStream, version: u32, path: &TokenStream) -> TokenStream {
        let serde = quote!(#krate::serde).to_string();
        let derives = quote! {
            #[derive(#krate::serde::Deserialize)]
            #[serde(crate = #serde)]
        };
        let Earlier { item, holes } = self.earlier(version, &derives, |_, _| Vec::new());
        let values = self.fields.iter().filter(|field| field.removed.is_none()).map(|field| {
            let ident = &field.ident;
            let value = value_from(krate, field, version);
            quote!(#ident: #value)
        });
        quote! {
            #item
            let earlier = payload.read::<Earlier<#(#holes),*>>()?;
            let _ = &earlier;
            ::core::result::Result::Ok(#path { #(#values),* })
        }
    }

    /// The struct `Earlier`, with the fields of a version, and these attributes on each besides serde's.
    fn earlier(
        &self,
        version: u32,
        derives: &TokenStream,
        more: fn(&FieldHistory, u32) -> Vec<Attribute>,
    ) -> Earlier {
        let container = self.container.iter();
        let mut parameters: Vec<Ident> = Vec::new();
        let there = self.fields.iter().filter(|field| field.is_in(version));
        let fields: Vec<_> = there
            .map(|field| {
                let FieldHistory { ident, ty, .. } = field;
                let (serde, more) = (serde_in(field, version), more(field, version));
                let ty = match field.conversions_after(version).next() {
                    None => Some(ty),
                    Some(conversion) => conversion.from.as_ref(),
                };
                if let Some(ty) = ty {
                    return quote!(#(#serde)* #(#more)* #ident: #ty);
                }
                // Its earlier type is what the function takes, which only the compiler knows.
                let parameter = format_ident!("Earlier{}", parameters.len());
                parameters.push(parameter.clone());
                quote!(#(#serde)* #(#more)* #ident: #parameter)
            })
            .collect();
        let item = quote! {
            #derives
            #[serde(#(#container),*)]
            #[allow(dead_code)]
            struct Earlier<#(#parameters),*> {
                #(#fields),*
            }
        };
        Earlier { item, holes: parameters.iter().map(|_| quote!(_)).collect() }
    }
}

/// The struct of an earlier version, and what stands for its parameters.
struct Earlier {
    item: TokenStream,
    holes: Vec<TokenStream>,
}

/// Whether payloads of a version have the field in another form than today's.
fn differs(field: &FieldHistory, version: u32) -> bool {
    field.is_in(version) != field.removed.is_none()
        || field.name_in(version).is_some()
        || field.conversions_after(version).next().is_some()
}

/// Today's value of a field, of the variable `earlier`.
fn value_from(krate: &TokenStream, field: &FieldHistory, version: u32) -> TokenStream {
    let ident = &field.ident;
    let (begin, since) = match &field.added {
        Some(added) if version < added.version.0 => (default_of(added.default.as_ref()), added.version.0),
        _ => (quote!(earlier.#ident), version),
    };
    field.conversions_after(since).fold(begin, |value, conversion| {
        let Conversion { with, may_fail, .. } = conversion;
        match may_fail {
            false => quote!((#with)(#value)),
            true => {
                let name = ident.to_string();
                quote!((#with)(#value).map_err(|error| #krate::DecodeReason::unconverted(#name, error))?)
            }
        }
    })
}

fn default_of(default: Option<&Expr>) -> TokenStream {
    match default {
        None => quote!(::core::default::Default::default()),
        // A text is whatever can be made of one.
        Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => quote!(::core::convert::Into::into(#text)),
        Some(value) => quote!(#value),
    }
}

/// What serde is told of the field in payloads of a version.
fn serde_in(field: &FieldHistory, version: u32) -> Vec<Attribute> {
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
            let is_renamed = name.is_some() && is("rename");
            !(is_renamed || is_converted && reads_today)
        })
        .collect();
    metas.extend(name.map(|name| parse_quote!(rename = #name)));
    if metas.is_empty() { Vec::new() } else { vec![parse_quote!(#[serde(#(#metas),*)])] }
}

/// What serde is told of all fields of a struct.
pub(crate) fn container_of_struct(attributes: &[Attribute]) -> Result<Vec<Meta>> {
    let mut container = Vec::new();
    for meta in serde_metas(attributes)? {
        if meta.path().is_ident("default") {
            return Err(Error::new_spanned(
                meta,
                "earlier versions do not know the default of the whole event; write #[serde(default)] on its fields",
            ));
        }
        if meta.path().is_ident("rename_all") || meta.path().is_ident("deny_unknown_fields") {
            container.push(meta);
        }
    }
    Ok(container)
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
