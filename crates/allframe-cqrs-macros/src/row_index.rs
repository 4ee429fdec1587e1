//! `#[index]` on a field of a row, and `#[index(name = "..", fields = [..])]` on the row.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, DeriveInput, Error, Field, GenericArgument, Ident, LitStr, Meta, PathArguments, Result, Token,
    Type, Visibility, ext::IdentExt, meta::ParseNestedMeta, punctuated::Punctuated, token,
};

use crate::arguments::{alone, once, value};

pub(crate) struct TableIndex<'i> {
    /// An index shows the type of its field, so it is as visible as that.
    pub(crate) visibility: &'i Visibility,
    pub(crate) constant: Ident,
    pub(crate) name: String,
    /// What rows are looked up by.
    pub(crate) value: TokenStream,
    pub(crate) shape: Shape<'i>,
    /// The type that says so in an `Index`.
    pub(crate) kind: &'static str,
}

pub(crate) enum Shape<'i> {
    Plain(&'i Ident),
    /// `None` is no value.
    Optional(&'i Ident),
    Composite(Vec<&'i Ident>),
}

impl<'i> TableIndex<'i> {
    /// The indexes of the fields, then those over several.
    pub(crate) fn all_of(
        item: &'i DeriveInput,
        fields: &'i Punctuated<Field, Token![,]>,
    ) -> Result<Vec<Self>> {
        let mut indexes = Vec::new();
        for field in fields {
            for attribute in index_attributes(&field.attrs) {
                indexes.push(Self::of_field(attribute, field)?);
            }
        }
        for attribute in index_attributes(&item.attrs) {
            indexes.push(Self::of_row(attribute, fields)?);
        }
        Ok(indexes)
    }

    fn of_field(attribute: &Attribute, field: &'i Field) -> Result<Self> {
        let said = Said::parse(attribute)?;
        if said.fields.is_some() {
            return Err(Error::new_spanned(attribute, "an index over several fields is said on the struct"));
        }
        let ident =
            field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "this field has no name"))?;
        let (value, shape) = match inside_option(&field.ty) {
            Some(inner) => (quote!(#inner), Shape::Optional(ident)),
            None => {
                let plain = &field.ty;
                (quote!(#plain), Shape::Plain(ident))
            }
        };
        let name = said.name.unwrap_or_else(|| LitStr::new(&ident.unraw().to_string(), ident.span()));
        Self::named(&name, &field.vis, value, shape, said.kind)
    }

    fn of_row(attribute: &Attribute, fields: &'i Punctuated<Field, Token![,]>) -> Result<Self> {
        let wanted =
            "on the struct write #[index(name = \"..\", fields = [first, second])], perhaps with `unique`";
        let said = Said::parse(attribute)?;
        let (Some(name), Some(wanted_fields)) = (said.name, said.fields) else {
            return Err(Error::new_spanned(attribute, wanted));
        };
        let mut found = Vec::new();
        for wanted in &wanted_fields {
            let field = fields.iter().find(|field| field.ident.as_ref() == Some(wanted));
            found.push(field.ok_or_else(|| Error::new_spanned(wanted, "the row has no such field"))?);
        }
        let Some(first) = found.first().filter(|_| found.len() > 1) else {
            return Err(Error::new_spanned(
                attribute,
                "an index over one field is said on the field: #[index]",
            ));
        };
        let types = found.iter().map(|field| &field.ty);
        let idents = found.iter().filter_map(|field| field.ident.as_ref()).collect();
        Self::named(&name, &first.vis, quote!((#(#types),*)), Shape::Composite(idents), said.kind)
    }

    fn named(
        name: &LitStr,
        visibility: &'i Visibility,
        value: TokenStream,
        shape: Shape<'i>,
        kind: &'static str,
    ) -> Result<Self> {
        let constant = syn::parse_str::<Ident>(&name.value().to_uppercase()).map_err(|_| {
            Error::new(name.span(), "the name of an index is that of a constant too: a Rust identifier")
        })?;
        let constant = Ident::new(&constant.to_string(), name.span());
        Ok(Self { visibility, constant, name: name.value(), value, shape, kind })
    }
}

fn index_attributes(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("index"))
}

struct Said {
    kind: &'static str,
    name: Option<LitStr>,
    fields: Option<Punctuated<Ident, Token![,]>>,
}

impl Said {
    fn parse(attribute: &Attribute) -> Result<Self> {
        let (mut unique, mut name, mut fields) = (None, None, None);
        if !matches!(attribute.meta, Meta::Path(_)) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("unique") {
                    once(&mut unique, &meta, |meta| alone(meta, "write `unique` alone"))
                } else if meta.path.is_ident("name") {
                    once(&mut name, &meta, |meta| {
                        value(meta, "write `name = \"..\"`, what the index is called")
                    })
                } else if meta.path.is_ident("fields") {
                    once(&mut fields, &meta, parse_fields)
                } else {
                    Err(meta
                        .error("unknown here; an index is perhaps `unique`, and may have a `name = \"..\"`"))
                }
            })?;
        }
        Ok(Self { kind: if unique.is_some() { "Unique" } else { "Multi" }, name, fields })
    }
}

/// Brackets, and not `fields(..)`, which is read too: in that clippy finds a field twice, in the code of whoever derives, where
/// two indexes share one.
fn parse_fields(meta: &ParseNestedMeta<'_>) -> Result<Punctuated<Ident, Token![,]>> {
    let content;
    if meta.input.peek(token::Paren) {
        syn::parenthesized!(content in meta.input);
    } else {
        let value = meta.value()?;
        syn::bracketed!(content in value);
    }
    Punctuated::parse_terminated(&content)
}

/// `T` of `Option<T>`, by how it is written: a macro knows no types.
fn inside_option(ty: &Type) -> Option<&Type> {
    let path = match ty {
        Type::Path(path) => path,
        // What a macro has passed on as a whole.
        Type::Group(group) => return inside_option(&group.elem),
        _ => return None,
    };
    let last = path.path.segments.last().filter(|last| last.ident == "Option")?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(GenericArgument::Type(inner)) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}
