//! What a field says of itself in earlier schema versions: `#[added(version = 2, default = ..)]`,
//! `#[renamed(from = "..", version = 2)]`, `#[removed(version = 3)]`, `#[converted(version = 3, with = path)]`.

use syn::{
    Attribute, Error, Expr, Field, Fields, Ident, LitInt, LitStr, Result, Type, meta::ParseNestedMeta,
};

use crate::{
    arguments::{self, once, value},
    event_attributes::{Part, refuse_conditions},
    event_schema::schemars_of,
    version::checked_version,
};

/// A field, through all versions of its event.
pub(crate) struct FieldHistory {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    /// What it says to serde.
    pub(crate) serde: Vec<Attribute>,
    /// What it says to schemars.
    schemars: Vec<Attribute>,
    conditions: Vec<Attribute>,
    pub(crate) added: Option<Added>,
    pub(crate) removed: Option<(u32, LitInt)>,
    /// From old to new.
    pub(crate) renames: Vec<Rename>,
    /// From old to new.
    pub(crate) conversions: Vec<Conversion>,
}

pub(crate) struct Added {
    pub(crate) version: (u32, LitInt),
    /// What it is in events that are older.
    pub(crate) default: Option<Expr>,
}

pub(crate) struct Rename {
    pub(crate) version: (u32, LitInt),
    /// The name in the payload before.
    pub(crate) from: LitStr,
}

pub(crate) struct Conversion {
    pub(crate) version: (u32, LitInt),
    /// The earlier type, where it is said; else it is what the function takes.
    pub(crate) from: Option<Type>,
    pub(crate) with: Expr,
    pub(crate) may_fail: bool,
}

impl FieldHistory {
    /// Whether payloads of a version have it.
    pub(crate) fn is_in(&self, version: u32) -> bool {
        self.added.as_ref().is_none_or(|added| added.version.0 <= version)
            && self.removed.as_ref().is_none_or(|(removed, _)| version < *removed)
    }

    /// Its name in the payloads of a version, where it is another than today's.
    pub(crate) fn name_in(&self, version: u32) -> Option<&LitStr> {
        self.renames.iter().find(|rename| version < rename.version.0).map(|rename| &rename.from)
    }

    /// What it goes through from a version on.
    pub(crate) fn conversions_after(&self, version: u32) -> impl Iterator<Item = &Conversion> {
        self.conversions.iter().filter(move |conversion| version < conversion.version.0)
    }

    /// What schemars is told of it in the payloads of a version: nothing of today's type, where it had another.
    pub(crate) fn told_to_schemars(&self, version: u32) -> Vec<Attribute> {
        match self.conversions_after(version).next() {
            None => self.schemars.clone(),
            Some(_) => Vec::new(),
        }
    }

    /// All versions in which something changed.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &(u32, LitInt)> {
        let added = self.added.iter().map(|added| &added.version);
        let renames = self.renames.iter().map(|rename| &rename.version);
        let conversions = self.conversions.iter().map(|conversion| &conversion.version);
        added.chain(&self.removed).chain(renames).chain(conversions)
    }

    fn of(field: &mut Field) -> Result<Option<Self>> {
        let Some(ident) = field.ident.clone() else {
            return refuse_changes_of_unnamed(field).map(|()| None);
        };
        let conditions = field
            .attrs
            .iter()
            .filter(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr"));
        let conditions = conditions.cloned().collect();
        let serde =
            field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")).cloned().collect();
        let mut this = Self {
            ident,
            ty: field.ty.clone(),
            serde,
            schemars: schemars_of(field),
            conditions,
            added: None,
            removed: None,
            renames: Vec::new(),
            conversions: Vec::new(),
        };
        for attribute in field.attrs.extract_if(.., |attribute| change_of(attribute).is_some()) {
            match change_of(&attribute) {
                Some(Change::Added) => this.read_added(&attribute)?,
                Some(Change::Renamed) => this.read_renamed(&attribute)?,
                Some(Change::Removed) => this.read_removed(&attribute)?,
                Some(Change::Converted) => this.read_converted(&attribute)?,
                None => {}
            }
        }
        this.renames.sort_by_key(|rename| rename.version.0);
        this.conversions.sort_by_key(|conversion| conversion.version.0);
        this.check_order()?;
        this.check_tags(field)?;
        Ok(Some(this))
    }

    fn read_added(&mut self, attribute: &Attribute) -> Result<()> {
        let usage =
            "write `#[added(version = 2, default = ..)]`; without `default` it is `Default::default()`";
        if self.added.is_some() {
            return Err(Error::new_spanned(attribute, "a field is added once"));
        }
        let mut default = None;
        let version = parse(attribute, usage, |meta| {
            let is_default = meta.path.is_ident("default");
            if is_default {
                once(&mut default, meta, |meta| value(meta, usage))?;
            }
            Ok(is_default)
        })?;
        self.added = Some(Added { version, default });
        Ok(())
    }

    fn read_renamed(&mut self, attribute: &Attribute) -> Result<()> {
        let usage =
            "write `#[renamed(from = \"..\", version = 2)]`, with the name that it had in the payload";
        let mut from = None;
        let version = parse(attribute, usage, |meta| {
            let is_from = meta.path.is_ident("from");
            if is_from {
                once(&mut from, meta, |meta| value(meta, usage))?;
            }
            Ok(is_from)
        })?;
        let from = from.ok_or_else(|| Error::new_spanned(attribute, usage))?;
        self.renames.push(Rename { version, from });
        Ok(())
    }

    fn read_removed(&mut self, attribute: &Attribute) -> Result<()> {
        if self.removed.is_some() {
            return Err(Error::new_spanned(attribute, "a field is removed once"));
        }
        self.removed = Some(parse(attribute, "write `#[removed(version = 3)]`", |_| Ok(false))?);
        Ok(())
    }

    fn read_converted(&mut self, attribute: &Attribute) -> Result<()> {
        let usage = "write `#[converted(version = 3, with = path)]`, with a function from the earlier value to the later one, \
                     or `try_with = path` for one that answers a `Result`; `from = Type` says what it takes, where it takes several";
        let (mut from, mut with, mut may_fail) = (None, None, false);
        let version = parse(attribute, usage, |meta| {
            if meta.path.is_ident("from") {
                once(&mut from, meta, |meta| value(meta, usage))?;
                return Ok(true);
            }
            let is_with = meta.path.is_ident("with") || meta.path.is_ident("try_with");
            if is_with {
                may_fail = meta.path.is_ident("try_with");
                if with.replace(value(meta, usage)?).is_some() {
                    return Err(Error::new_spanned(
                        &meta.path,
                        "one function converts; write `with` or `try_with`, once",
                    ));
                }
            }
            Ok(is_with)
        })?;
        let with = with.ok_or_else(|| Error::new_spanned(attribute, usage))?;
        self.conversions.push(Conversion { version, from, with, may_fail });
        Ok(())
    }

    /// A field is added first, and removed last.
    fn check_order(&self) -> Result<()> {
        let added = self.added.as_ref().map_or(1, |added| added.version.0);
        let later = self.renames.iter().map(|rename| &rename.version);
        let later = later.chain(self.conversions.iter().map(|conversion| &conversion.version));
        for (version, literal) in later.clone().chain(&self.removed) {
            if *version <= added {
                return Err(Error::new(
                    literal.span(),
                    format!("the field is there only since version {added}"),
                ));
            }
        }
        let Some((removed, _)) = &self.removed else { return Ok(()) };
        match later.into_iter().find(|(version, _)| version >= removed) {
            Some((_, literal)) => {
                Err(Error::new(literal.span(), format!("the field is gone since version {removed}")))
            }
            None => Ok(()),
        }
    }

    fn check_tags(&self, field: &Field) -> Result<()> {
        let tag = field.attrs.iter().find(|attribute| attribute.path().is_ident("tag"));
        match tag.filter(|_| self.removed.is_some()) {
            Some(tag) => {
                Err(Error::new_spanned(tag, "an event is tagged by what it has today; this field is gone"))
            }
            None => Ok(()),
        }
    }

    /// From one version to the next a field gets one name and one value; `today` is its name in payloads that are written.
    pub(crate) fn check_steps(&self, today: &str) -> Result<()> {
        for (place, rename) in self.renames.iter().enumerate() {
            let (version, _) = rename.version;
            let next = self.renames.get(place + 1);
            if let Some(second) = next.filter(|next| next.version.0 == version) {
                return Err(Error::new(
                    second.version.1.span(),
                    format!("in one version a field is renamed once; version {version} is said twice"),
                ));
            }
            let (from, to) =
                (rename.from.value(), next.map_or_else(|| today.to_owned(), |next| next.from.value()));
            if from == to {
                return Err(Error::new(
                    rename.from.span(),
                    format!("it is called `{to}` in version {version} too; say what it was called before"),
                ));
            }
        }
        let second = self.conversions.windows(2).find_map(|pair| match pair {
            [first, second] if first.version.0 == second.version.0 => Some(&second.version.1),
            _ => None,
        });
        match second {
            Some(literal) => Err(Error::new(
                literal.span(),
                "in one version a field is converted once; let one function do both",
            )),
            None => Ok(()),
        }
    }

    pub(crate) fn check_conditions(&self) -> Result<()> {
        refuse_conditions(&self.conditions, Part::Field)
    }
}

/// The histories of these fields. What they say of it is taken out, and so are fields that are no more.
pub(crate) fn take_histories(fields: &mut Fields) -> Result<Vec<FieldHistory>> {
    let mut histories = Vec::new();
    for field in fields.iter_mut() {
        histories.extend(FieldHistory::of(field)?);
    }
    if let Fields::Named(named) = fields {
        // By their place: where one is gone, another may have come under the same name.
        named.named = std::mem::take(&mut named.named)
            .into_pairs()
            .zip(&histories)
            .filter(|(_, history)| history.removed.is_none())
            .map(|(pair, _)| pair)
            .collect();
    }
    Ok(histories)
}

enum Change {
    Added,
    Renamed,
    Removed,
    Converted,
}

fn change_of(attribute: &Attribute) -> Option<Change> {
    let is = |name| attribute.path().is_ident(name);
    match () {
        () if is("added") => Some(Change::Added),
        () if is("renamed") => Some(Change::Renamed),
        () if is("removed") => Some(Change::Removed),
        () if is("converted") => Some(Change::Converted),
        () => None,
    }
}

/// Refuses what only a field says, on an event.
pub(crate) fn refuse_changes_of_event(attributes: &[Attribute]) -> Result<()> {
    match attributes.iter().find(|attribute| change_of(attribute).is_some()) {
        None => Ok(()),
        Some(attribute) => Err(Error::new_spanned(
            attribute,
            "this goes on a field; what an event was called before is said with `#[event(aliases(\"..\"))]`",
        )),
    }
}

fn refuse_changes_of_unnamed(field: &Field) -> Result<()> {
    match field.attrs.iter().find(|attribute| change_of(attribute).is_some()) {
        None => Ok(()),
        Some(attribute) => Err(Error::new_spanned(
            attribute,
            "only fields with names have a history; give the fields names, or write an upcaster from the earlier type",
        )),
    }
}

/// Reads the arguments of an attribute, `version` here and the others there; which version it is.
fn parse(
    attribute: &Attribute,
    usage: &str,
    mut other: impl FnMut(&ParseNestedMeta<'_>) -> Result<bool>,
) -> Result<(u32, LitInt)> {
    let mut version = None;
    if attribute.meta.require_list().is_err() {
        return Err(Error::new_spanned(attribute, usage));
    }
    attribute.parse_nested_meta(|meta| {
        if meta.path.is_ident("version") {
            return once(&mut version, &meta, |meta| {
                let (_, literal) = arguments::version(meta)?;
                Ok((checked_version(&literal)?, literal))
            });
        }
        if other(&meta)? { Ok(()) } else { Err(meta.error(usage)) }
    })?;
    version.ok_or_else(|| Error::new_spanned(attribute, usage))
}
