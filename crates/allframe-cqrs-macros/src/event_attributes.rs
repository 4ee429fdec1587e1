//! `#[event(rename = "..", aliases("..", ".."), version = 2, crate = path)]`.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Attribute, Error, Ident, LitStr, Meta, Path, Result, Token, meta::ParseNestedMeta, parse::Parser,
    punctuated::Punctuated, token::Paren,
};

use crate::{
    arguments::{self, alone, once, path, skip_value, value},
    version::SchemaVersion,
};

/// As `eventstore_api::limits` has it; checked here so that a name too long is found by the compiler.
const MAX_EVENT_TYPE_BYTES: usize = 256;

/// What `#[event(..)]` on the type says.
#[derive(Default)]
pub(crate) struct TypeAttributes {
    krate: Option<Path>,
    prefix: Option<LitStr>,
    pub(crate) kind: KindAttributes,
    pub(crate) upcasters: Option<Path>,
    /// Schemas are to be derived.
    pub(crate) schema: Option<Path>,
}

impl TypeAttributes {
    pub(crate) fn parse(attribute: TokenStream) -> Result<Self> {
        let mut this = Self::default();
        let parser = syn::meta::parser(|meta| {
            if meta.path.is_ident("crate") {
                return once(&mut this.krate, &meta, arguments::krate);
            }
            if meta.path.is_ident("prefix") {
                let usage = "write `prefix = \"user.\"`, what stands before the names of all its variants";
                return once(&mut this.prefix, &meta, |meta| checked("prefix", value(meta, usage)?));
            }
            if meta.path.is_ident("upcasters") {
                let usage = "write `upcasters = path`, a function that takes nothing and answers a `VersionRegistry` of this type";
                return once(&mut this.upcasters, &meta, |meta| path(meta, usage));
            }
            if meta.path.is_ident("schema") {
                return once(&mut this.schema, &meta, |meta| alone(meta, "write `schema` alone"));
            }
            this.kind.read(&meta, OF_A_TYPE)
        });
        parser.parse2(attribute)?;
        Ok(this)
    }

    /// What the name of a variant in the code is stored under.
    pub(crate) fn stored_name(&self, ident: &Ident) -> Result<LitStr> {
        let name = ident.to_string();
        let name = name.strip_prefix("r#").unwrap_or(&name);
        let prefix = self.prefix.as_ref().map(LitStr::value).unwrap_or_default();
        checked(EVENT_TYPE, LitStr::new(&format!("{prefix}{name}"), ident.span()))
    }

    /// The path to `allframe_cqrs`.
    pub(crate) fn krate(&self) -> TokenStream {
        self.krate.as_ref().map_or_else(|| quote!(::allframe_cqrs), |path| quote!(#path))
    }
}

/// What `#[event(..)]` on a variant, or on a struct, says of that kind of event.
#[derive(Clone, Default)]
pub(crate) struct KindAttributes {
    pub(crate) names: Names,
    pub(crate) version: SchemaVersion,
    /// It is for what the program does not know.
    pub(crate) unknown: Option<Path>,
}

impl KindAttributes {
    /// What the `#[event(..)]` attributes among these say; takes them out.
    pub(crate) fn take(attributes: &mut Vec<Attribute>) -> Result<Self> {
        let mut this = Self::default();
        for attribute in attributes.extract_if(.., |attribute| attribute.path().is_ident("event")) {
            if attribute.meta.require_list().is_err() {
                return Err(Error::new_spanned(attribute, SAYS_NOTHING));
            }
            attribute.parse_nested_meta(|meta| this.read(&meta, OF_A_VARIANT))?;
        }
        Ok(this)
    }

    fn read(&mut self, meta: &ParseNestedMeta<'_>, usage: &str) -> Result<()> {
        if meta.path.is_ident("unknown") {
            return once(&mut self.unknown, meta, |meta| alone(meta, UNKNOWN));
        }
        if self.version.read(meta)? || self.names.read(meta)? {
            return Ok(());
        }
        Err(meta.error(usage))
    }
}

const OF_A_TYPE: &str = "unknown here; the type takes `prefix = \"..\"`, `upcasters = path`, `schema` and `crate = path`, and a struct `rename = \"..\"`, \
                         `aliases(\"..\", \"..\")`, `version = 2` and `unchanged(2)`";

const OF_A_VARIANT: &str = "unknown here; a variant takes `rename = \"..\"`, `aliases(\"..\", \"..\")`, `version = 2` and `unchanged(2)`, \
                            or `unknown` alone; what is said of all of them stands on the enum";

const SAYS_NOTHING: &str = "say something of the variant, as `#[event(rename = \"..\")]`, or leave this out";

pub(crate) const UNKNOWN: &str = "write `#[event(unknown)] Unknown(UnknownEvent)`";

/// The names that a kind of event goes by in the store.
#[derive(Clone, Default)]
pub(crate) struct Names {
    rename: Option<LitStr>,
    aliases: Vec<LitStr>,
}

impl Names {
    /// Reads one of the arguments; whether it was one of names.
    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> Result<bool> {
        if meta.path.is_ident("rename") {
            if self.rename.is_some() {
                return Err(
                    meta.error("`rename` stands here twice; an event has one name, and may have `aliases`")
                );
            }
            let usage = "write `rename = \"..\"`, the name under which it is stored";
            self.rename = Some(checked(EVENT_TYPE, value(meta, usage)?)?);
            return Ok(true);
        }
        if meta.path.is_ident("aliases") {
            self.aliases.extend(read_aliases(meta)?);
            return Ok(true);
        }
        Ok(false)
    }

    /// The same names, with this one where none is given.
    pub(crate) fn or_name(mut self, name: LitStr) -> Self {
        self.rename.get_or_insert(name);
        self
    }

    /// Where a name or an alias is given, if one is.
    pub(crate) fn span(&self) -> Option<Span> {
        self.all().next().map(LitStr::span)
    }

    pub(crate) fn name(&self) -> Option<&LitStr> {
        self.rename.as_ref()
    }

    pub(crate) fn aliases(&self) -> &[LitStr] {
        &self.aliases
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &LitStr> {
        self.rename.iter().chain(&self.aliases)
    }
}

fn read_aliases(meta: &ParseNestedMeta<'_>) -> Result<Vec<LitStr>> {
    let usage = "write `aliases(\"..\", \"..\")`, the names under which it was stored before";
    let wrong = || Error::new_spanned(&meta.path, usage);
    if !meta.input.peek(Paren) {
        return Err(wrong());
    }
    let content;
    syn::parenthesized!(content in meta.input);
    let aliases = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)
        .map_err(|error| Error::new(error.span(), usage))?;
    if aliases.is_empty() {
        return Err(wrong());
    }
    aliases.into_iter().map(|alias| checked(EVENT_TYPE, alias)).collect()
}

const EVENT_TYPE: &str = "event type name";

fn checked(what: &str, name: LitStr) -> Result<LitStr> {
    let text = name.value();
    let wrong = if text.is_empty() {
        "is empty"
    } else if text.len() > MAX_EVENT_TYPE_BYTES {
        "is longer than 256 bytes"
    } else if text.contains(char::is_control) {
        "holds a control character"
    } else {
        return Ok(name);
    };
    Err(Error::new(name.span(), format!("this {what} {wrong}")))
}

/// Whether serde passes a variant over when it reads: it then has no index.
pub(crate) fn is_skipped_by_serde(attributes: &[Attribute]) -> Result<bool> {
    any_word_for_serde(attributes, &["skip", "skip_deserializing"])
}

/// Whether serde writes an enum with this attribute in another form than `{"Variant":content}`, from which the content could
/// be taken out. On a variant, `untagged` does the same to the whole enum.
pub(crate) fn has_form_of_its_own(attributes: &[Attribute]) -> Result<bool> {
    any_word_for_serde(attributes, &["tag", "content", "untagged", "from", "try_from", "into"])
}

/// Where a condition stands.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Variant,
    Field,
}

/// Whether serde reads the content of a variant with a function of the user's.
pub(crate) fn is_read_with(attributes: &[Attribute]) -> Result<bool> {
    any_word_for_serde(attributes, &["with", "deserialize_with"])
}

/// Refuses what an attribute macro sees before it is decided, and would count wrongly: a variant that may not be there, and
/// what may or may not be said to serde.
pub(crate) fn refuse_conditions(attributes: &[Attribute], of: Part) -> Result<()> {
    for attribute in attributes {
        if attribute.path().is_ident("cfg") {
            let why = match of {
                Part::Variant => {
                    "#[event] cannot tell whether this variant is there; put the condition on the whole enum"
                }
                Part::Field => {
                    "#[event] cannot tell whether this field is there, and needs to, for its tag or for earlier versions; \
                     put the condition on the whole event"
                }
            };
            return Err(Error::new_spanned(attribute, why));
        }
        if attribute.path().is_ident("cfg_attr") {
            let metas = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)?;
            if let Some(serde) = metas.iter().skip(1).find(|meta| meta.path().is_ident("serde")) {
                return Err(Error::new_spanned(
                    serde,
                    "#[event] cannot tell whether this is said to serde; say it without a condition",
                ));
            }
        }
    }
    Ok(())
}

/// Whether one of these words stands in a `#[serde(..)]`.
pub(crate) fn any_word_for_serde(attributes: &[Attribute], words: &[&str]) -> Result<bool> {
    let mut found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| {
            found |= words.iter().any(|word| meta.path.is_ident(word));
            // Whatever else stands there is serde's to judge.
            skip_value(&meta).map(drop)
        })?;
    }
    Ok(found)
}
