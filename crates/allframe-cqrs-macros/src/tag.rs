//! `#[tag]` and `#[tag("key")]` on a field.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Error, Fields, Ident, LitStr, Member, Meta, Result};

/// A field by whose value its event is tagged.
pub(crate) struct FieldTag {
    member: Member,
    key: LitStr,
    variable: Ident,
}

impl FieldTag {
    pub(crate) fn key(&self) -> &LitStr {
        &self.key
    }

    pub(crate) fn variable(&self) -> &Ident {
        &self.variable
    }

    /// The field in a pattern, bound to [`Self::variable`].
    pub(crate) fn binding(&self) -> TokenStream {
        let Self { member, variable, .. } = self;
        quote!(#member: #variable)
    }
}

/// The tags that these fields declare; takes the attributes out.
pub(crate) fn take_tags(fields: &mut Fields) -> Result<Vec<FieldTag>> {
    let mut tags = Vec::new();
    for (index, field) in fields.iter_mut().enumerate() {
        let name = field.ident.clone();
        for attribute in field.attrs.extract_if(.., |attribute| attribute.path().is_ident("tag")) {
            let member = name.clone().map_or_else(|| Member::from(index), Member::from);
            tags.push(FieldTag {
                key: key_of(&attribute, name.as_ref())?,
                member,
                variable: format_ident!("tag_{}", tags.len()),
            });
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
