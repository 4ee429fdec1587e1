//! `version = 3` and `unchanged(2)` of `#[event(..)]`.

use std::collections::BTreeSet;

use syn::{Error, LitInt, Result, Token, meta::ParseNestedMeta, punctuated::Punctuated};

/// The schema version of a kind of events, and those that changed none of its fields.
#[derive(Clone, Default)]
pub(crate) struct SchemaVersion {
    version: Option<(u32, LitInt)>,
    unchanged: Vec<(u32, LitInt)>,
}

impl SchemaVersion {
    /// Reads one of the two; whether it was one.
    pub(crate) fn read(&mut self, meta: &ParseNestedMeta<'_>) -> Result<bool> {
        if meta.path.is_ident("version") {
            if self.version.is_some() {
                return Err(meta.error("`version` stands here twice; it is that which is written today"));
            }
            let literal: LitInt = meta.value()?.parse()?;
            let version = literal.base10_parse()?;
            if version == 0 {
                return Err(Error::new(literal.span(), "versions count from 1"));
            }
            self.version = Some((version, literal));
            return Ok(true);
        }
        if meta.path.is_ident("unchanged") {
            let content;
            syn::parenthesized!(content in meta.input);
            for literal in Punctuated::<LitInt, Token![,]>::parse_terminated(&content)? {
                self.unchanged.push((checked_version(&literal)?, literal));
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// The version that is written today.
    pub(crate) fn today(&self) -> u32 {
        self.version.as_ref().map_or(1, |(version, _)| *version)
    }

    pub(crate) fn is_said(&self) -> bool {
        self.version.is_some() || !self.unchanged.is_empty()
    }

    pub(crate) fn unchanged(&self) -> impl Iterator<Item = &(u32, LitInt)> {
        self.unchanged.iter()
    }

    /// The first version that can be read with what is known of these changes.
    pub(crate) fn declared_since(&self, changes: &BTreeSet<u32>) -> Result<u32> {
        let today = self.today();
        let mut since = today;
        while since > 1 && changes.contains(&since) {
            since -= 1;
        }
        match (changes.iter().next(), &self.version) {
            (Some(first), Some((_, literal))) if *first <= since => Err(Error::new(
                literal.span(),
                format!(
                    "nothing says what version {since} changed; write #[added], #[renamed], #[removed] or #[converted] with \
                     `version = {since}` on a field, or `unchanged({since})` here"
                ),
            )),
            _ => Ok(since),
        }
    }
}

/// A version in which something changed: not the first.
pub(crate) fn checked_version(literal: &LitInt) -> Result<u32> {
    match literal.base10_parse()? {
        0 | 1 => Err(Error::new(
            literal.span(),
            "the first version is 1, so that a change comes with version 2 or later",
        )),
        version => Ok(version),
    }
}
