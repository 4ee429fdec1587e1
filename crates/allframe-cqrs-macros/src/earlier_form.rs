//! The struct that stands for an earlier form of an event: the fields of that version, with their names and types of that time.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::{Attribute, Ident, spanned::Spanned as _};

use crate::{
    arguments::{shown_at, without_self},
    earlier_serde::serde_in,
    field_history::{Conversion, FieldHistory},
};

pub(crate) struct EarlierForm<'a> {
    /// Those of the version.
    pub(crate) histories: Vec<&'a FieldHistory>,
    fields: Vec<TokenStream>,
    /// Types that only the compiler knows, and where what says them stands.
    parameters: Vec<(Ident, Span)>,
}

impl<'a> EarlierForm<'a> {
    /// The form of a version, with attributes of its fields besides serde's.
    pub(crate) fn of(
        event: &Ident,
        histories: &'a [FieldHistory],
        version: u32,
        more: fn(&FieldHistory, u32) -> Vec<Attribute>,
    ) -> Self {
        let form = Self::name();
        let histories: Vec<_> = histories.iter().filter(|field| field.is_in(version)).collect();
        let mut parameters: Vec<(Ident, Span)> = Vec::new();
        let fields = histories
            .iter()
            .map(|field| {
                let FieldHistory { ident, ty, .. } = field;
                let (serde, more) = (serde_in(field, version), more(field, version));
                let ty = match field.conversions_after(version).next() {
                    None => ty,
                    Some(Conversion { from: Some(ty), .. }) => ty,
                    Some(Conversion { with, .. }) => {
                        // Its earlier type is what the function takes, which only the compiler knows.
                        let parameter = format_ident!("{form}{}", parameters.len());
                        parameters.push((parameter.clone(), with.span()));
                        return quote!(#(#serde)* #(#more)* #ident: #parameter);
                    }
                };
                // In the form itself, `Self` would be the form.
                let ty = without_self(ty.to_token_stream(), &quote!(#event));
                quote!(#(#serde)* #(#more)* #ident: #ty)
            })
            .collect();
        Self { histories, fields, parameters }
    }

    /// Its name, as visible as those of the user's types, which it must not hide.
    pub(crate) fn name() -> Ident {
        format_ident!("__FormOfEarlierVersion")
    }

    /// The struct, with these attributes.
    pub(crate) fn item(&self, attributes: &TokenStream) -> TokenStream {
        let (name, fields, parameters) = (Self::name(), &self.fields, self.parameters());
        quote! {
            #attributes
            #[allow(dead_code)]
            struct #name<#(#parameters),*> {
                #(#fields),*
            }
        }
    }

    pub(crate) fn parameters(&self) -> impl Iterator<Item = &Ident> {
        self.parameters.iter().map(|(parameter, _)| parameter)
    }

    /// The type, whose parameters the compiler finds; what it cannot find or use is shown at the function that says it.
    pub(crate) fn inferred(&self) -> TokenStream {
        let name = Ident::new(&Self::name().to_string(), self.shown_at());
        let holes = self.parameters.iter().map(|(_, at)| quote_spanned!(shown_at(*at)=> _));
        quote_spanned!(self.shown_at()=> #name<#(#holes),*>)
    }

    /// Where it is shown that the form cannot be used.
    pub(crate) fn shown_at(&self) -> Span {
        self.parameters.first().map_or_else(Span::call_site, |(_, at)| shown_at(*at))
    }
}
