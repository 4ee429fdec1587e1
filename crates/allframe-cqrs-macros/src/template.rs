use syn::{Error, Ident, LitStr, Member, Result};

/// The fields that a text like `account-{account}` names, each once, where `format!` finds them by name.
pub(crate) fn fields_of(template: &LitStr, members: &[Member], of: &Ident) -> Result<Vec<Ident>> {
    let mut fields: Vec<Ident> = Vec::new();
    for name in placeholders(&template.value()).map_err(|why| Error::new(template.span(), why))? {
        let is_field = members.iter().any(|member| matches!(member, Member::Named(field) if *field == name));
        if !is_field {
            return Err(Error::new(template.span(), format!("`{name}` is no field of `{of}`")));
        }
        if !fields.iter().any(|field| *field == name) {
            fields.push(Ident::new(&name, template.span()));
        }
    }
    Ok(fields)
}

/// What stands between braces, without how it is to be shown.
fn placeholders(template: &str) -> std::result::Result<Vec<String>, &'static str> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (_, from_brace) = rest.split_at(at);
        if let Some(escaped) = from_brace.strip_prefix("{{").or_else(|| from_brace.strip_prefix("}}")) {
            rest = escaped;
            continue;
        }
        let inner =
            from_brace.strip_prefix('{').ok_or("a `}` without a `{`; write `}}` for the sign itself")?;
        let (inside, after) =
            inner.split_once('}').ok_or("a `{` without a `}`; write `{{` for the sign itself")?;
        let name = inside.split(':').next().unwrap_or(inside).trim();
        if name.is_empty() || syn::parse_str::<Ident>(name).is_err() {
            return Err("between braces stands the name of a field: `account-{account}`");
        }
        names.push(name.to_owned());
        rest = after;
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::placeholders;

    #[test]
    fn the_fields_of_a_template_are_found_and_escapes_are_none() {
        assert_eq!(placeholders("account-{account}-{year:04}").unwrap(), ["account", "year"]);
        assert!(placeholders("a{{b}}c").unwrap().is_empty());
        for wrong in ["a-{", "a-}", "a-{}", "a-{0}", "a-{b.c}"] {
            assert!(placeholders(wrong).is_err(), "{wrong}");
        }
    }
}
