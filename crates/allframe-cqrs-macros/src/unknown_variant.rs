//! `#[event(unknown)]` on a variant: the one for what the program does not know.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Error, Fields, Ident, Path, Result, Type, Variant, parse_quote, spanned::Spanned as _};

use crate::{
    arguments::{at_span, shown_at},
    event_attributes::{Names, UNKNOWN},
    version::SchemaVersion,
};

/// The variant for what the program does not know.
pub(crate) struct Unknown {
    pub(crate) ident: Ident,
    /// What must be an `UnknownEvent`.
    content: Type,
}

/// Notes it, and lets serde never see it.
pub(crate) fn take_unknown(variant: &mut Variant, mark: &Path, unknown: &mut Option<Unknown>) -> Result<()> {
    let mut values = match &variant.fields {
        Fields::Unnamed(fields) => fields.unnamed.iter(),
        _ => return Err(Error::new_spanned(variant, UNKNOWN)),
    };
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Error::new_spanned(variant, UNKNOWN));
    };
    if let Some(attribute) = value.attrs.first() {
        return Err(Error::new_spanned(
            attribute,
            "an unknown event is stored as it came; nothing is said of it here",
        ));
    }
    if unknown.is_some() {
        return Err(Error::new_spanned(mark, "one variant is for what is not known"));
    }
    *unknown = Some(Unknown { ident: variant.ident.clone(), content: value.ty.clone() });
    variant.attrs.push(parse_quote!(#[serde(skip)]));
    Ok(())
}

pub(crate) fn refuse_names_and_versions(names: &Names, version: &SchemaVersion) -> Result<()> {
    match names.span().or_else(|| version.span()) {
        Some(span) => Err(Error::new(
            span,
            "an unknown event has the name and the version that it came with; leave this out",
        )),
        None => Ok(()),
    }
}

pub(crate) fn implement_unknown(krate: &TokenStream, unknown: &Unknown) -> TokenStream {
    let Unknown { ident, content } = unknown;
    let holds = at_span(&quote!(#krate::HoldsUnknown), content.span());
    let holds = quote_spanned!(shown_at(content.span())=> <#content as #holds>);
    quote! {
        fn unknown(event: #krate::UnknownEvent) -> ::core::option::Option<Self> {
            ::core::option::Option::Some(Self::#ident(#holds::holding(event)))
        }

        fn as_unknown(&self) -> ::core::option::Option<&#krate::UnknownEvent> {
            match self {
                Self::#ident(event) => ::core::option::Option::Some(#holds::held(event)),
                #[allow(unreachable_patterns)]
                _ => ::core::option::Option::None,
            }
        }

        fn has_unknown() -> bool {
            true
        }
    }
}
