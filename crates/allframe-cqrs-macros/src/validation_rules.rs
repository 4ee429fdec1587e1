use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Attribute, Error, Fields, Ident, Member, Meta, Path, Result, ext::IdentExt as _};

use crate::arguments::{shown_at, skip_value};

/// As garde has them, in the version that allframe_cqrs has.
const RULES: &[&str] = &[
    "adapt",
    "alphanumeric",
    "ascii",
    "code",
    "contains",
    "credit_card",
    "custom",
    "dive",
    "email",
    "if",
    "inner",
    "ip",
    "ipv4",
    "ipv6",
    "length",
    "matches",
    "pattern",
    "phone_number",
    "prefix",
    "range",
    "rename",
    "required",
    "skip",
    "suffix",
    "url",
];

const COUNTS: &[&str] = &["bytes", "chars", "graphemes", "utf16"];

/// Refuses what is no rule: garde's own message does not say so.
pub(crate) fn check_rules(attribute: &Attribute) -> Result<()> {
    if !matches!(&attribute.meta, Meta::List(list) if !list.tokens.is_empty()) {
        return Err(Error::new_spanned(
            attribute,
            "say what the field must be: `#[validate(length(min = 1))]`",
        ));
    }
    attribute.parse_nested_meta(|meta| {
        let known = meta.path.get_ident().is_some_and(|rule| RULES.contains(&rule.to_string().as_str()));
        match known {
            true => skip_value(&meta).map(drop),
            false => Err(Error::new_spanned(
                &meta.path,
                format!("there is no rule of this name; garde has {}", RULES.join(", ")),
            )),
        }
    })
}

/// What asks of each field whether the type fits its rules, to say so at the rule: garde says it of the command as a whole.
pub(crate) fn fit(krate: &Path, fields: &Fields) -> TokenStream {
    let mut asked = TokenStream::new();
    for (member, field) in fields.members().zip(fields) {
        let mut rules: Vec<Ident> = Vec::new();
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("validate")) {
            // What is wrong there has been told.
            let _ = attribute.parse_nested_meta(|meta| {
                let mut inside = skip_value(&meta)?.into_iter();
                // Each way to count a length is for types of its own.
                let counts = |token| matches!(token, TokenTree::Ident(word) if COUNTS.contains(&word.to_string().as_str()));
                rules.extend(meta.path.get_ident().filter(|_| !inside.any(counts)).cloned());
                Ok(())
            });
        }
        // With it, the rules are those of a module of the user's.
        if rules.iter().any(|rule| rule == "adapt") {
            continue;
        }
        asked.extend(rules.iter().filter_map(|rule| asks(krate, &member, rule)));
    }
    asked
}

fn asks(krate: &Path, member: &Member, rule: &Ident) -> Option<TokenStream> {
    let asked = match rule.to_string().as_str() {
        "length" => "length",
        "range" => "range",
        "dive" => "dive",
        "required" => "required",
        "ascii" | "alphanumeric" | "contains" | "prefix" | "suffix" => "text",
        _ => return None,
    };
    let at = shown_at(rule.span());
    let asked = Ident::new(asked, at);
    let value = quote_spanned!(at=> &self.#member);
    Some(quote!(#krate::rule_fits::#asked(#value);))
}

/// The fields with rules that look at other fields: `matches(password)`, or anything with `self` in it.
pub(crate) fn look_at_others(fields: &Fields) -> Vec<String> {
    let rules = |field: &syn::Field| {
        let rules = field.attrs.iter().filter(|attribute| attribute.path().is_ident("validate"));
        rules.map(|rule| rule.meta.to_token_stream()).collect::<TokenStream>()
    };
    let depending = fields.iter().filter(|field| names_another(rules(field)));
    depending.filter_map(|field| Some(field.ident.as_ref()?.unraw().to_string())).collect()
}

fn names_another(rules: TokenStream) -> bool {
    rules.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "self" || ident == "matches",
        TokenTree::Group(group) => names_another(group.stream()),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use syn::{ItemStruct, parse_quote};

    use super::look_at_others;

    #[test]
    fn a_rule_depends_on_other_fields_where_it_names_one() {
        let item: ItemStruct = parse_quote! {
            struct SignUp {
                #[validate(length(min = 8))]
                password: String,
                #[validate(matches(password))]
                again: String,
                #[validate(custom(not_before(&self.from)))]
                r#to: u32,
                #[serde(rename = "self")]
                from: u32,
            }
        };
        assert_eq!(look_at_others(&item.fields), ["again", "to"]);
    }
}
