use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Fields, ext::IdentExt as _};

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
