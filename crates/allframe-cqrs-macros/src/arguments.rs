//! The arguments of attributes, as `name = ".."` and `version = 2`.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{
    Attribute, Error, Expr, Generics, LitInt, Path, Result, Token,
    meta::ParseNestedMeta,
    parse::{Parse, ParseStream, Parser as _},
    parse_quote,
    token::Paren,
};

/// Notes an argument, which stands at most once: the last of several would be taken in silence.
pub(crate) fn once<T>(
    place: &mut Option<T>,
    meta: &ParseNestedMeta<'_>,
    read: impl FnOnce(&ParseNestedMeta<'_>) -> Result<T>,
) -> Result<()> {
    if place.is_some() {
        let name = meta.path.to_token_stream();
        return Err(Error::new_spanned(&meta.path, format!("`{name}` stands here twice")));
    }
    *place = Some(read(meta)?);
    Ok(())
}

/// What stands after the `=` of an argument; `usage` says what that is.
pub(crate) fn value<T: Parse>(meta: &ParseNestedMeta<'_>, usage: &str) -> Result<T> {
    value_with(meta, usage, T::parse)
}

/// A path, which may begin with `crate`.
pub(crate) fn path(meta: &ParseNestedMeta<'_>, usage: &str) -> Result<Path> {
    value_with(meta, usage, Path::parse_mod_style)
}

/// An argument that is one word.
pub(crate) fn alone(meta: &ParseNestedMeta<'_>, usage: &str) -> Result<Path> {
    match meta.input.is_empty() || meta.input.peek(Token![,]) {
        true => Ok(meta.path.clone()),
        false => Err(Error::new_spanned(&meta.path, usage)),
    }
}

/// Goes past what belongs to an argument that is another macro's; what stands in its parentheses.
pub(crate) fn skip_value(meta: &ParseNestedMeta<'_>) -> Result<TokenStream> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(Paren) {
        let inside;
        syn::parenthesized!(inside in meta.input);
        return inside.parse();
    }
    Ok(TokenStream::new())
}

/// `crate = path`.
pub(crate) fn krate(meta: &ParseNestedMeta<'_>) -> Result<Path> {
    path(meta, "write `crate = path`, where `allframe_cqrs` is")
}

/// Where `allframe_cqrs` is, by the arguments of an attribute that takes no others.
pub(crate) fn only_crate(attribute: TokenStream, usage: &str) -> Result<Path> {
    let mut found = None;
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("crate") {
            return Err(meta.error(usage));
        }
        once(&mut found, &meta, krate)
    });
    parser.parse2(attribute)?;
    Ok(found.unwrap_or_else(|| parse_quote!(::allframe_cqrs)))
}

/// `version = 2`.
pub(crate) fn version(meta: &ParseNestedMeta<'_>) -> Result<(u32, LitInt)> {
    let literal: LitInt = value(meta, VERSION)?;
    Ok((version_of(&literal)?, literal))
}

const VERSION: &str = "a version is a number from 1 to 4294967295: `version = 2`";

pub(crate) fn version_of(literal: &LitInt) -> Result<u32> {
    match literal.base10_parse::<u32>() {
        Ok(0) | Err(_) => Err(Error::new(literal.span(), VERSION)),
        Ok(version) => Ok(version),
    }
}

fn value_with<T>(
    meta: &ParseNestedMeta<'_>,
    usage: &str,
    parse: impl FnOnce(ParseStream<'_>) -> Result<T>,
) -> Result<T> {
    let Ok(input) = meta.value() else { return Err(Error::new_spanned(&meta.path, usage)) };
    let at = input.span();
    let value = parse(input).map_err(|_| Error::new(at, usage))?;
    match input.is_empty() || input.peek(Token![,]) {
        true => Ok(value),
        false => Err(Error::new(input.span(), usage)),
    }
}

/// Refuses the attribute of a macro below itself: the second would do everything once more.
pub(crate) fn refuse_second(name: &str, attributes: &[Attribute]) -> Result<()> {
    let is_same =
        |attribute: &&Attribute| attribute.path().segments.last().is_some_and(|last| last.ident == name);
    match attributes.iter().find(is_same) {
        None => Ok(()),
        Some(second) => Err(Error::new_spanned(
            second,
            format!("#[{name}] stands here twice; write all its arguments in one"),
        )),
    }
}

/// Refuses what borrows where only what owns its fields will do.
pub(crate) fn refuse_lifetimes(generics: &Generics, why: &str) -> Result<()> {
    match generics.lifetimes().next() {
        None => Ok(()),
        Some(lifetime) => Err(Error::new_spanned(lifetime, why)),
    }
}

/// The same, with the name of the type where `Self` stands: it is moved to where `Self` is another type, or none.
pub(crate) fn without_self(tokens: TokenStream, ty: &TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(ident) if ident == "Self" => at_span(ty, ident.span()),
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), without_self(group.stream(), ty));
                inside.set_span(group.span());
                TokenTree::from(inside).into()
            }
            token => token.into(),
        })
        .collect()
}

/// For what is made here, and is shown by the compiler where the user wrote what it is made of.
pub(crate) fn shown_at(at: Span) -> Span {
    Span::call_site().located_at(at)
}

/// The same, shown by the compiler at another place, and with the names of its own.
pub(crate) fn at_span(tokens: &TokenStream, at: Span) -> TokenStream {
    let located = |mut token: TokenTree| {
        token.set_span(token.span().located_at(at));
        token
    };
    tokens.clone().into_iter().map(located).collect()
}
