//! `#[tag]` and `#[tag("key")]` on a field.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Error, Fields, Ident, LitStr, Member, Meta, Result};

use crate::event_attributes::{Part, refuse_conditions};

/// A field by whose value its event is tagged, under one key or several.
pub(crate) struct FieldTag {
    member: Member,
    keys: Vec<LitStr>,
    variable: Ident,
}

impl FieldTag {
    /// The field in a pattern, bound to a variable.
    pub(crate) fn binding(&self) -> TokenStream {
        let Self { member, variable, .. } = self;
        quote!(#member: #variable)
    }

    /// Each key, with the variable that [`Self::binding`] binds.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (&LitStr, &Ident)> {
        self.keys.iter().map(|key| (key, &self.variable))
    }
}

/// The tags that these fields declare; takes the attributes out.
pub(crate) fn take_tags(fields: &mut Fields) -> Result<Vec<FieldTag>> {
    let mut tags = Vec::new();
    for (index, field) in fields.iter_mut().enumerate() {
        let name = field.ident.clone();
        let keys: Vec<LitStr> = field
            .attrs
            .extract_if(.., |attribute| attribute.path().is_ident("tag"))
            .map(|attribute| key_of(&attribute, name.as_ref()))
            .collect::<Result<_>>()?;
        if !keys.is_empty() {
            refuse_conditions(&field.attrs, Part::Field)?;
            let member = name.map_or_else(|| Member::from(index), Member::from);
            tags.push(FieldTag { member, keys, variable: format_ident!("tag_{index}") });
        }
    }
    Ok(tags)
}

fn key_of(attribute: &Attribute, field: Option<&Ident>) -> Result<LitStr> {
    match (&attribute.meta, field) {
        (Meta::List(_), _) => {
            let key = attribute.parse_args::<LitStr>().map_err(|error| {
                Error::new(
                    error.span(),
                    "a tag's key is a string: write #[tag(\"key\")], or #[tag] to use the field's name",
                )
            })?;
            if key.value().is_empty() || key.value().contains(':') {
                return Err(Error::new(key.span(), "a tag's key is not empty and holds no `:`"));
            }
            Ok(key)
        }
        (Meta::Path(_), Some(field)) => {
            let name = field.to_string();
            Ok(LitStr::new(name.strip_prefix("r#").unwrap_or(&name), field.span()))
        }
        (Meta::Path(_), None) => {
            Err(Error::new_spanned(attribute, "this field has no name; write #[tag(\"key\")]"))
        }
        (Meta::NameValue(_), _) => {
            Err(Error::new_spanned(attribute, "write #[tag(\"key\")], or #[tag] to use the field's name"))
        }
    }
}
