//! Whether no value can meet two schemas, as far as that is plain to see.

use serde_json::{Map, Value};

use super::{
    document::{Branch, Document},
    fields::{names, property, refuses_unnamed, written_beside},
    limits::lengths,
    types::Types,
};

/// Fields of fields are looked at so far down.
const MAX_DEPTH: usize = 4;

/// An alternative, with the document that its references lead into.
#[derive(Clone, Copy)]
struct Side<'a, 'b> {
    document: Document<'a>,
    branch: &'b Branch<'a>,
    /// It is written, and so has no fields but those that it names.
    is_written: bool,
}

/// Whether no value meets both; `false` where it cannot be told.
pub(super) fn disjoint<'a>(document: Document<'a>, one: &Branch<'a>, other: &Branch<'a>) -> bool {
    let side = |branch| Side { document, branch, is_written: false };
    Side::disjoint(side(one), side(other), MAX_DEPTH)
}

/// What is written may have fields that its schema does not name, or it may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    Something,
    Nothing,
}

/// The same for what is read by one document and written by another.
pub(super) fn disjoint_in<'a>(
    (reader, read): (Document<'a>, &Branch<'a>),
    (writer, written): (Document<'a>, &Branch<'a>),
    beside: Beside,
) -> bool {
    let read = Side { document: reader, branch: read, is_written: false };
    let is_written = beside == Beside::Nothing;
    Side::disjoint(read, Side { document: writer, branch: written, is_written }, MAX_DEPTH)
}

impl<'a> Side<'a, '_> {
    fn disjoint(one: Side<'a, '_>, other: Side<'a, '_>, depth: usize) -> bool {
        let Some(deeper) = depth.checked_sub(1) else { return false };
        let types = Types::of_all(one.branch).and(Types::of_all(other.branch));
        if types.is_empty() {
            return true;
        }
        if let (Some(some), Some(others)) = (values(one.branch), values(other.branch)) {
            return !some.iter().any(|value| others.contains(value));
        }
        match types {
            Types::OBJECT => one.is_split_from(other, deeper) || other.is_split_from(one, deeper),
            Types::ARRAY => {
                let (some, others) = (lengths(one.branch, "Items"), lengths(other.branch, "Items"));
                let is_shorter = |max: Option<u64>, min| max.is_some_and(|max| max < min);
                is_shorter(some.max, others.min) || is_shorter(others.max, some.min)
            }
            _ => false,
        }
    }

    /// Whether a field that is always in this one shows that it is not the other.
    fn is_split_from(self, other: Side<'a, '_>, depth: usize) -> bool {
        required(self.branch).any(|name| {
            if other.never_has(name) {
                return true;
            }
            let (here, there) = (property(self.branch, name), property(other.branch, name));
            if here.is_empty() || there.is_empty() {
                return false;
            }
            let (Ok(here), Ok(there)) =
                (self.document.alternatives(&here), other.document.alternatives(&there))
            else {
                return false;
            };
            here.iter().all(|one| {
                there.iter().all(|another| {
                    let (one, another) = (Side { branch: one, ..self }, Side { branch: another, ..other });
                    Side::disjoint(one, another, depth)
                })
            })
        })
    }

    fn never_has(self, name: &str) -> bool {
        let is_unnamed = || property(self.branch, name).is_empty() && written_beside(self.branch).is_none();
        self.branch.iter().any(|schema| refuses_unnamed(schema, name)) || (self.is_written && is_unnamed())
    }
}

fn required<'a>(branch: &Branch<'a>) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
    let names: Vec<_> = branch
        .iter()
        .filter_map(|schema| schema.get("required")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    names.into_iter()
}

/// The values that are named one by one, where they are.
pub(super) fn values<'a>(branch: &[&'a Map<String, Value>]) -> Option<Vec<&'a Value>> {
    let mut found: Option<Vec<&'a Value>> = None;
    for schema in branch {
        let named: Option<Vec<_>> = match (schema.get("const"), schema.get("enum")) {
            (Some(value), _) => Some(vec![value]),
            (None, Some(Value::Array(values))) => Some(values.iter().collect()),
            _ => None,
        };
        if let Some(named) = named {
            found = Some(match found {
                None => named,
                Some(found) => found.into_iter().filter(|value| named.contains(value)).collect(),
            });
        }
    }
    found
}

/// The word by which people know an alternative of an object: the value of its tag, which all `others` have too, or the field that
/// none of them has.
pub(super) fn name_of<'a>(
    (document, branch): (Document<'a>, &Branch<'a>),
    (elsewhere, others): (Document<'a>, &[Branch<'a>]),
) -> Option<String> {
    let others = || others.iter().filter(|other| Types::of_all(other).holds(Types::OBJECT));
    let is_tag = |name: &&str| {
        let tags: Vec<_> = others().map(|other| constant(elsewhere, other, name)).collect();
        let is_alone = |tag: &Option<&str>| tag.is_some() && tags.iter().filter(|it| *it == tag).count() == 1;
        tags.iter().all(is_alone)
    };
    let tags = required(branch).filter(|name| constant(document, branch, name).is_some());
    let tag = tags.clone().find(is_tag).or_else(|| tags.clone().next());
    let is_new = |name: &&str| others().all(|other| !names(other).contains(name));
    let field = || required(branch).find(is_new).or_else(|| required(branch).next());
    tag.and_then(|name| constant(document, branch, name)).or_else(field).map(str::to_owned)
}

/// The only text that a field may be.
fn constant<'a>(document: Document<'a>, branch: &Branch<'a>, name: &str) -> Option<&'a str> {
    let choice = document.alternatives(&property(branch, name)).ok()?;
    let [only] = choice.as_slice() else { return None };
    let values = values(only)?;
    let [value] = values.as_slice() else { return None };
    value.as_str()
}
