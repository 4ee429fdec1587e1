//! `#[event(schema)]`: the schemas of all that is stored, each derived from a type of that form.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::{
    Attribute, Error, Expr, ExprLit, Field, Fields, Generics, Ident, Lit, Meta, Path, Result, Token, Type,
    parse_quote, punctuated::Punctuated, spanned::Spanned as _,
};

use crate::{
    arguments::without_self,
    field_history::{Conversion, FieldHistory},
    migration::{Migrations, earlier, value_in_form},
};

/// A kind of event whose schemas are to be derived.
pub(crate) struct Described<'a> {
    pub(crate) name: TokenStream,
    pub(crate) migrations: &'a Migrations,
    /// The fields of its content; `None` where the payload is the whole value.
    pub(crate) content: Option<&'a Fields>,
}

/// Refuses what no schema can be derived for.
pub(crate) fn refuse(schema: &Path, is_content: bool, generics: &Generics) -> Result<()> {
    if !cfg!(feature = "schema") {
        return Err(Error::new_spanned(schema, "`schema` needs the feature `schema` of allframe-cqrs"));
    }
    if is_content && !generics.params.is_empty() {
        return Err(Error::new_spanned(
            generics,
            "the variants of an enum with parameters have no schemas; write `impl EventSchemas` for it",
        ));
    }
    Ok(())
}

/// Lets the type itself have a schema, unless it sees to that.
pub(crate) fn derive(attributes: &mut Vec<Attribute>, krate: &TokenStream) {
    if !is_derived(attributes) {
        let schemars = quote!(#krate::schemars).to_string();
        attributes.push(parse_quote!(#[derive(#krate::schemars::JsonSchema)]));
        attributes.push(parse_quote!(#[schemars(crate = #schemars)]));
    }
}

/// Whether the type sees to that itself.
pub(crate) fn is_derived(attributes: &[Attribute]) -> bool {
    attributes.iter().any(derives_schema)
}

/// Takes out what is said to schemars, which does not look at the enum itself.
pub(crate) fn take_schemars(fields: &mut Fields) {
    for field in fields.iter_mut() {
        field.attrs.retain(|attribute| !attribute.path().is_ident("schemars"));
    }
}

/// Says of a field what serde reads it as beside its name, for which JSON schemas have no word.
pub(crate) fn tell_aliases(fields: &mut Fields) {
    for field in fields.iter_mut() {
        let aliases = aliases_of(&field.attrs);
        if !aliases.is_empty() {
            field.attrs.push(parse_quote!(#[schemars(extend("x-aliases" = [#(#aliases),*]))]));
        }
    }
}

/// `EventSchemas` of a type.
pub(crate) fn implement(
    krate: &TokenStream,
    ident: &Ident,
    generics: &Generics,
    kinds: &[Described<'_>],
) -> TokenStream {
    let mut bounded = generics.clone();
    if generics.type_params().next().is_some() {
        let (_, type_generics, _) = generics.split_for_impl();
        let bound = parse_quote!(#ident #type_generics: #krate::schemars::JsonSchema);
        bounded.make_where_clause().predicates.push(bound);
    }
    let (impl_generics, type_generics, _) = generics.split_for_impl();
    let (_, _, where_clause) = bounded.split_for_impl();
    let kinds = kinds.iter().map(|kind| schemas_of(krate, ident, kind));
    quote! {
        impl #impl_generics #krate::schema::EventSchemas for #ident #type_generics #where_clause {
            fn schemas() -> ::std::vec::Vec<#krate::schema::EventSchema> {
                let mut schemas = ::std::vec::Vec::new();
                #(#kinds)*
                schemas
            }
        }
    }
}

/// For each version from the first that is read without an upcaster to today's, what adds its schema to the variable `schemas`.
fn schemas_of(krate: &TokenStream, event: &Ident, kind: &Described<'_>) -> TokenStream {
    let Described { name, migrations, content } = kind;
    let (content, today) = match content {
        None => (None, quote!(Self)),
        Some(fields) => (Some(content_of(krate, event, kind, fields)), quote!(__AllframeContent)),
    };
    let versions = migrations.versions().map(|version| match migrations.differ_in(version) {
        false => quote!(schemas.push(#krate::schema::EventSchema::of::<#today>(#name, #version));),
        true => schema_of_earlier(krate, event, kind, version),
    });
    quote!({ #content #(#versions)* })
}

fn schema_of_earlier(krate: &TokenStream, event: &Ident, kind: &Described<'_>, version: u32) -> TokenStream {
    let Described { name, migrations, .. } = kind;
    let form = migrations.earlier_form(event, version, FieldHistory::told_to_schemars);
    let (schemars, container) = (quote!(#krate::schemars).to_string(), migrations.container());
    let item = form.item(&quote! {
        #[derive(#krate::schemars::JsonSchema)]
        #[schemars(crate = #schemars, rename = #name)]
        #[serde(#(#container),*)]
    });
    // What a function converts tells the type of the field, where it is not said.
    let converted = form.histories.iter().filter_map(|field| {
        let Conversion { with, .. } = field.conversions_after(version).next()?;
        let value = value_in_form(&field.ident, with.span());
        Some(quote!(let _ = (#with)(#value);))
    });
    let (earlier, inferred) = (earlier(Span::call_site()), form.inferred());
    quote!({
        #item
        schemas.push(#krate::schema::EventSchema::of_parameter(
            #name,
            #version,
            #[allow(unused_variables)]
            |#earlier: #inferred| { #(#converted)* },
        ));
    })
}

/// A struct with the fields of a variant: its content alone is what is stored.
fn content_of(krate: &TokenStream, event: &Ident, kind: &Described<'_>, fields: &Fields) -> TokenStream {
    let Described { name, migrations, .. } = kind;
    let schemars = quote!(#krate::schemars).to_string();
    let container = migrations.container();
    let mut fields = fields.clone();
    for field in &mut fields {
        field.attrs.retain(is_told);
        // In the struct, `Self` would be the struct.
        field.ty = Type::Verbatim(without_self(field.ty.to_token_stream(), &quote!(#event)));
    }
    let body = match &fields {
        // Stored as a struct without fields, and read whatever fields there are.
        Fields::Unit => {
            return quote! {
                #[derive(#krate::schemars::JsonSchema)]
                #[schemars(crate = #schemars, rename = #name)]
                struct __AllframeContent {}
            };
        }
        Fields::Named(fields) => quote!(#fields),
        Fields::Unnamed(fields) => quote!(#fields;),
    };
    quote! {
        #[derive(#krate::schemars::JsonSchema)]
        #[schemars(crate = #schemars, rename = #name)]
        #[serde(#(#container),*)]
        #[allow(dead_code)]
        struct __AllframeContent #body
    }
}

/// What an attribute of a field says to others than the derives of the enum.
fn is_told(attribute: &Attribute) -> bool {
    ["serde", "schemars", "doc", "validate", "garde"].iter().any(|name| attribute.path().is_ident(name))
}

fn derives_schema(attribute: &Attribute) -> bool {
    let parse = Punctuated::<Path, Token![,]>::parse_terminated;
    attribute.path().is_ident("derive")
        && attribute.parse_args_with(parse).is_ok_and(|paths| {
            paths.iter().any(|path| path.segments.last().is_some_and(|last| last.ident == "JsonSchema"))
        })
}

/// The schemars attributes of a field.
pub(crate) fn schemars_of(field: &Field) -> Vec<Attribute> {
    field.attrs.iter().filter(|attribute| attribute.path().is_ident("schemars")).cloned().collect()
}

fn aliases_of(attributes: &[Attribute]) -> Vec<String> {
    let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
    let serde = attributes.iter().filter(|attribute| attribute.path().is_ident("serde"));
    let metas = serde.filter_map(|attribute| attribute.parse_args_with(parse).ok()).flatten();
    let aliases = metas.filter_map(|meta| match meta {
        Meta::NameValue(pair) if pair.path.is_ident("alias") => match pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(alias), .. }) => Some(alias.value()),
            _ => None,
        },
        _ => None,
    });
    aliases.collect()
}
