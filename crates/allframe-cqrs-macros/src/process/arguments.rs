//! What stands in the parentheses of `#[process_manager(..)]`.

use proc_macro2::{Span, TokenStream};
use syn::{Error, Ident, LitStr, Path, Result, meta::ParseNestedMeta, parse::Parser as _, parse_quote};

use crate::arguments::{self, once, path, value};

pub(super) struct Arguments {
    pub(super) krate: Path,
    pub(super) name: LitStr,
    pub(super) event: Option<Path>,
    pub(super) key: Option<Key>,
}

/// What says to which instance an event belongs.
#[derive(Clone)]
pub(super) enum Key {
    /// A field of the event.
    Field(Ident),
    /// A function of the event.
    Function(Path),
}

impl Arguments {
    pub(super) fn parse(attribute: TokenStream) -> Result<Self> {
        let (mut krate, mut name, mut event, mut key) = (None, None, None, None);
        let parser = syn::meta::parser(|meta| {
            match known(&meta).as_deref() {
            Some("crate") => once(&mut krate, &meta, arguments::krate),
            Some("name") => once(&mut name, &meta, |meta| {
                checked_name(value(meta, "write `name = \"..\"`, under which its instances are stored")?)
            }),
            Some("event") => once(&mut event, &meta, |meta| {
                path(meta, "write `event = Type`, the type of the events that it reacts to")
            }),
            Some("key") => once_key(&mut key, &meta, field),
            Some("key_of") => once_key(&mut key, &meta, function),
            _ => Err(meta.error(
                "unknown here; #[process_manager] takes `name = \"..\"`, `key = field` or `key_of = function`, `event = Type` and \
                 `crate = path`",
            )),
        }
        });
        parser.parse2(attribute)?;
        let name = name.ok_or_else(|| {
            Error::new(Span::call_site(), "say under which name its instances are stored: `name = \"..\"`")
        })?;
        Ok(Self { krate: krate.unwrap_or_else(|| parse_quote!(::allframe_cqrs)), name, event, key })
    }
}

pub(super) fn known(meta: &ParseNestedMeta<'_>) -> Option<String> {
    meta.path.get_ident().map(Ident::to_string)
}

/// Notes a key, of which there is one.
pub(super) fn once_key(
    key: &mut Option<Key>,
    meta: &ParseNestedMeta<'_>,
    read: impl FnOnce(&ParseNestedMeta<'_>) -> Result<Key>,
) -> Result<()> {
    if key.is_some() {
        return Err(Error::new_spanned(
            &meta.path,
            "an event has one key; write `key = field` or `key_of = function` once",
        ));
    }
    *key = Some(read(meta)?);
    Ok(())
}

/// `key = field`.
pub(super) fn field(meta: &ParseNestedMeta<'_>) -> Result<Key> {
    value(meta, "write `key = field`, a field of the event; of what is no field, `key_of = function`")
        .map(Key::Field)
}

/// `key_of = function`.
pub(super) fn function(meta: &ParseNestedMeta<'_>) -> Result<Key> {
    path(meta, "write `key_of = function`, from the event by reference to an `Option` of its key")
        .map(Key::Function)
}

fn checked_name(name: LitStr) -> Result<LitStr> {
    let text = name.value();
    let is_legal = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.');
    if text.is_empty() || text.len() > 48 || !text.chars().all(is_legal) {
        return Err(Error::new(name.span(), "a name has 1 to 48 letters, digits, `_` and `.`"));
    }
    Ok(name)
}
