//! What reads the earlier schema versions of one kind of events, from what its fields say of themselves.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Attribute, Error, Expr, ExprLit, Ident, Lit, LitStr, Meta, Result, ext::IdentExt as _, parse_quote,
    spanned::Spanned as _,
};

use crate::{
    arguments::{at_span, shown_at},
    earlier_form::EarlierForm,
    event_attributes::any_word_for_serde,
    field_history::{Conversion, FieldHistory},
    json_names::name_read_by_serde,
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
        let changed: BTreeSet<u32> =
            fields.iter().flat_map(FieldHistory::changes).map(|(change, _)| *change).collect();
        let mut known = changed.clone();
        for (unchanged, literal) in version.unchanged() {
            if !known.insert(*unchanged) {
                let why = match changed.contains(unchanged) {
                    true => format!("a field says what version {unchanged} changed; leave it out here"),
                    false => format!("version {unchanged} stands here twice"),
                };
                return Err(Error::new(literal.span(), why));
            }
        }
        let said = fields.iter().flat_map(FieldHistory::changes).chain(version.unchanged());
        if let Some((change, literal)) = said.into_iter().find(|(change, _)| *change > today) {
            return Err(Error::new(
                literal.span(),
                format!("the event has version {today}; write `#[event(version = {change})]` on it"),
            ));
        }
        let declared_since = version.declared_since(&known)?;
        let this = Self { today, declared_since, fields, container };
        if !changed.is_empty() {
            this.check_fields()?;
        }
        Ok(this)
    }

    /// Of each version it must be known which fields it has, and by which names.
    fn check_fields(&self) -> Result<()> {
        let container = &self.container;
        let container: Attribute = parse_quote!(#[serde(#(#container),*)]);
        let container = std::slice::from_ref(&container);
        let names: Vec<String> = self
            .fields
            .iter()
            .map(|field| name_read_by_serde(&field.ident, &field.serde, container))
            .collect();
        for (field, name) in self.fields.iter().zip(&names) {
            field.check_conditions()?;
            field.check_steps(name)?;
        }
        for version in self.declared_since..self.today {
            let mut seen = BTreeMap::new();
            let there = self.fields.iter().zip(&names).filter(|(field, _)| field.is_in(version));
            for (field, today) in there {
                // It has no name in the payload.
                if any_word_for_serde(&field.serde, &["flatten", "skip", "skip_deserializing"])? {
                    continue;
                }
                let renamed = field.name_in(version);
                let name = renamed.map_or_else(|| today.clone(), LitStr::value);
                if let Some(other) = seen.insert(name.clone(), renamed) {
                    return Err(Error::new(
                        renamed.or(other).map_or_else(|| field.ident.span(), LitStr::span),
                        format!("`{name}` is the name of two fields in payloads of version {version}"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether any earlier version has another form than today's.
    pub(crate) fn have_changes(&self) -> bool {
        self.fields.iter().any(|field| field.changes().next().is_some())
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
        event: &Ident,
        kind: usize,
        path: &TokenStream,
        variant: &TokenStream,
    ) -> TokenStream {
        let payload = payload();
        let arms = (self.declared_since..self.today).map(|version| {
            let read = match self.differ_in(version) {
                true => self.read(krate, event, version, path),
                false => quote!(#payload.read_as::<Self>(&#variant)),
            };
            quote!((#kind, #version) => { #read })
        });
        quote!(#(#arms)*)
    }

    fn read(&self, krate: &TokenStream, event: &Ident, version: u32, path: &TokenStream) -> TokenStream {
        let (payload, earlier) = (payload(), earlier(Span::call_site()));
        let form = self.earlier_form(event, version, |_, _| Vec::new());
        let serde = quote!(#krate::serde).to_string();
        let container = &self.container;
        let parameters: Vec<_> = form.parameters().collect();
        let bound = (!parameters.is_empty()).then(|| {
            let bound = quote!(#(#parameters: #krate::EarlierValue),*).to_string();
            quote!(bound(deserialize = #bound))
        });
        let item = form.item(&quote! {
            #[derive(#krate::serde::Deserialize)]
            #[serde(crate = #serde, #(#container,)* #bound)]
        });
        // What is gone has no value any more; its conversion says of which type it was.
        let gone = form.histories.iter().filter(|field| field.removed.is_some()).filter_map(|field| {
            let conversion = field.conversions_after(version).next()?;
            let value = value_in_form(&field.ident, conversion.with.span());
            let value = converted(krate, field, conversion, value);
            conversion.from.is_none().then(|| quote!(if false { let _ = #value; }))
        });
        let at = form.shown_at();
        let (read, inferred) = (Ident::new("read", at), form.inferred());
        let read = quote_spanned!(at=> #payload.#read::<#inferred>()?);
        // A variant that had no fields may have been written without braces.
        let read = match form.histories.is_empty() {
            true => quote!(if !#payload.is_null() { #read; }),
            false => quote! {
                let #earlier = #read;
                let _ = &#earlier;
            },
        };
        let values = self.fields.iter().filter(|field| field.removed.is_none()).map(|field| {
            let ident = &field.ident;
            let value = value_from(krate, field, version);
            quote!(#ident: #value)
        });
        quote! {
            #item
            #read
            #(#gone)*
            ::core::result::Result::Ok(#path { #(#values),* })
        }
    }

    /// The versions that are read without an upcaster, that of today among them.
    pub(crate) fn versions(&self) -> impl Iterator<Item = u32> + use<> {
        self.declared_since..=self.today
    }

    /// Whether payloads of a version have another form than today's.
    pub(crate) fn differ_in(&self, version: u32) -> bool {
        self.fields.iter().any(|field| differs(field, version))
    }

    /// The struct with the fields of a version, and these attributes on each besides serde's.
    pub(crate) fn earlier_form(
        &self,
        event: &Ident,
        version: u32,
        more: fn(&FieldHistory, u32) -> Vec<Attribute>,
    ) -> EarlierForm<'_> {
        EarlierForm::of(event, &self.fields, version, more)
    }

    /// What serde is told of all fields together.
    pub(crate) fn container(&self) -> &[Meta] {
        &self.container
    }
}

/// The variable for an earlier form, which nothing that the user wrote can mean.
pub(crate) fn earlier(at: Span) -> Ident {
    Ident::new("earlier", Span::mixed_site().located_at(at))
}

/// The variable for the payload, which nothing that the user wrote can mean.
pub(crate) fn payload() -> Ident {
    Ident::new("payload", Span::mixed_site())
}

/// Whether payloads of a version have the field in another form than today's.
fn differs(field: &FieldHistory, version: u32) -> bool {
    field.is_in(version) != field.removed.is_none()
        || field.name_in(version).is_some()
        || field.conversions_after(version).next().is_some()
}

/// Today's value of a field.
fn value_from(krate: &TokenStream, field: &FieldHistory, version: u32) -> TokenStream {
    let (begin, since) = match &field.added {
        Some(added) if version < added.version.0 => {
            (default_of(krate, field, added.default.as_ref()), added.version.0)
        }
        _ => {
            let taken_by = field.conversions_after(version).next();
            let at = taken_by.map_or_else(|| field.ident.span(), |conversion| conversion.with.span());
            (value_in_form(&field.ident, at), version)
        }
    };
    field.conversions_after(since).fold(begin, |value, conversion| converted(krate, field, conversion, value))
}

pub(crate) fn value_in_form(ident: &Ident, at: Span) -> TokenStream {
    let earlier = earlier(at);
    let mut ident = ident.clone();
    ident.set_span(ident.span().located_at(at));
    quote_spanned!(shown_at(at)=> #earlier.#ident)
}

fn converted(
    krate: &TokenStream,
    field: &FieldHistory,
    conversion: &Conversion,
    value: TokenStream,
) -> TokenStream {
    let Conversion { with, may_fail, .. } = conversion;
    let at = shown_at(with.span());
    let call = quote_spanned!(at=> (#with)(#value));
    if !may_fail {
        return call;
    }
    let name = field.ident.unraw().to_string();
    let converted = at_span(&quote!(#krate::DecodeReason::converted), at);
    quote_spanned!(at=> #converted(#name, #call)?)
}

fn default_of(krate: &TokenStream, field: &FieldHistory, default: Option<&Expr>) -> TokenStream {
    match default {
        None => {
            let at = shown_at(field.ty.span());
            let has_default = at_span(&quote!(#krate::HasDefault), at);
            quote_spanned!(at=> #has_default::default_of_field())
        }
        // A text is whatever can be made of one.
        Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => {
            quote_spanned!(shown_at(text.span())=> ::core::convert::Into::into(#text))
        }
        Some(value) => quote!(#value),
    }
}
