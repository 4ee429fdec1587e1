use syn::{Attribute, Fields, Ident, LitStr, ext::IdentExt as _};

use crate::arguments::skip_value;

/// The fields whose name in JSON is another than in Rust: both names.
pub(crate) fn renamed_fields(container: &[Attribute], fields: &Fields) -> Vec<(String, String)> {
    let mut renamed = Vec::new();
    for field in fields {
        let Some(ident) = &field.ident else { continue };
        let name = ident.unraw().to_string();
        let in_json = name_read_by_serde(ident, &field.attrs, container);
        if in_json != name {
            renamed.push((name, in_json));
        }
    }
    renamed
}

/// The name by which serde reads a field with these attributes.
pub(crate) fn name_read_by_serde(ident: &Ident, of_field: &[Attribute], container: &[Attribute]) -> String {
    let name = ident.unraw().to_string();
    match (serde_name(of_field, "rename"), serde_name(container, "rename_all")) {
        (Some(own), _) => own,
        (None, Some(rule)) => by_rule(&rule, &name),
        (None, None) => name,
    }
}

/// What serde's attribute of this name says of reading: `rename = ".."`, or `rename(deserialize = "..")`.
fn serde_name(attributes: &[Attribute], wanted: &str) -> Option<String> {
    let mut name = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // What cannot be read here is serde's to tell.
        let _ = attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident(wanted) {
                return skip_value(&meta).map(drop);
            }
            if meta.input.peek(syn::Token![=]) {
                name = Some(meta.value()?.parse::<LitStr>()?.value());
                return Ok(());
            }
            meta.parse_nested_meta(|side| {
                let value = side.value()?.parse::<LitStr>()?.value();
                if side.path.is_ident("deserialize") {
                    name = Some(value);
                }
                Ok(())
            })
        });
    }
    name
}

/// A field's name as serde writes it by one of its rules.
fn by_rule(rule: &str, name: &str) -> String {
    match rule {
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => name.to_ascii_uppercase(),
        "PascalCase" => pascal(name),
        "camelCase" => {
            let pascal = pascal(name);
            let mut signs = pascal.chars();
            signs
                .next()
                .map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + signs.as_str())
        }
        "kebab-case" => name.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => name.to_ascii_uppercase().replace('_', "-"),
        _ => name.to_owned(),
    }
}

fn pascal(name: &str) -> String {
    let mut pascal = String::new();
    for word in name.split('_') {
        let mut signs = word.chars();
        if let Some(first) = signs.next() {
            pascal.push(first.to_ascii_uppercase());
            pascal.push_str(signs.as_str());
        }
    }
    pascal
}

#[cfg(test)]
mod tests {
    use syn::{ItemStruct, parse_quote};

    use super::{by_rule, renamed_fields};

    #[test]
    fn names_are_written_as_serde_writes_them() {
        let rules = [
            "camelCase",
            "PascalCase",
            "kebab-case",
            "SCREAMING_SNAKE_CASE",
            "SCREAMING-KEBAB-CASE",
            "snake_case",
        ];
        let written: Vec<_> = rules.iter().map(|rule| by_rule(rule, "account_no")).collect();
        assert_eq!(
            written,
            ["accountNo", "AccountNo", "account-no", "ACCOUNT_NO", "ACCOUNT-NO", "account_no"]
        );
    }

    #[test]
    fn a_field_s_own_name_counts_before_the_rule_and_what_is_read_before_what_is_written() {
        let item: ItemStruct = parse_quote! {
            #[serde(deny_unknown_fields, rename_all = "camelCase", bound(serialize = "T: X"))]
            struct Open {
                account_no: u32,
                #[serde(default = "path", rename(serialize = "out", deserialize = "in"))]
                owner: String,
                #[serde(skip, rename = "x")]
                other_name: u8,
                plain: u8,
            }
        };
        let renamed = renamed_fields(&item.attrs, &item.fields);
        let renamed: Vec<_> = renamed.iter().map(|(name, json)| (&**name, &**json)).collect();
        assert_eq!(renamed, [("account_no", "accountNo"), ("owner", "in"), ("other_name", "x")]);
    }
}
