//! `version = 3` and `unchanged(2)` of `#[event(..)]`.

use std::collections::BTreeSet;

use proc_macro2::Span;
use syn::{Error, LitInt, Result, Token, meta::ParseNestedMeta, punctuated::Punctuated, token::Paren};

use crate::arguments::{self, once, version_of};

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
            once(&mut self.version, meta, arguments::version)?;
            return Ok(true);
        }
        if meta.path.is_ident("unchanged") {
            self.unchanged.extend(read_unchanged(meta)?);
            return Ok(true);
        }
        Ok(false)
    }

    /// Where the version is said, or anything of versions.
    pub(crate) fn span(&self) -> Option<Span> {
        self.version.iter().chain(&self.unchanged).map(|(_, literal)| literal.span()).next()
    }

    /// The version that is written today.
    pub(crate) fn today(&self) -> u32 {
        self.version.as_ref().map_or(1, |(version, _)| *version)
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

fn read_unchanged(meta: &ParseNestedMeta<'_>) -> Result<Vec<(u32, LitInt)>> {
    let usage = "write `unchanged(2, 3)`, with the versions that changed none of its fields";
    let wrong = || Error::new_spanned(&meta.path, usage);
    if !meta.input.peek(Paren) {
        return Err(wrong());
    }
    let content;
    syn::parenthesized!(content in meta.input);
    let versions = Punctuated::<LitInt, Token![,]>::parse_terminated(&content)
        .map_err(|error| Error::new(error.span(), usage))?;
    if versions.is_empty() {
        return Err(wrong());
    }
    versions.into_iter().map(|literal| Ok((checked_version(&literal)?, literal))).collect()
}

/// A version in which something changed: not the first.
pub(crate) fn checked_version(literal: &LitInt) -> Result<u32> {
    match version_of(literal)? {
        1 => Err(Error::new(
            literal.span(),
            "the first version is 1, so that a change comes with version 2 or later",
        )),
        version => Ok(version),
    }
}
