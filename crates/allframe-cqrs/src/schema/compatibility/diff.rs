use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::{
    disjoint::{name_of, values},
    document::{Branch, Document, Node},
    fields::{is_required, names, property, written_beside},
    limits::{Range, lengths},
    structure::{first_items, format_of, item},
    types::Types,
};
use crate::json_pointer::part_of;

/// Types that are nested deeper are taken to be the same.
const MAX_DEPTH: usize = 12;
/// And so is what comes behind so many places: a type that is named at many is compared at each.
const MAX_PLACES: usize = 10_000;

/// What has changed at one place between two schemas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The JSON pointer of the field in a payload, as in a [`Finding`](super::Finding).
    pub path: String,
    /// What has changed there.
    #[serde(flatten)]
    pub change: Change,
}

/// What may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// A field came.
    Added {
        /// What it is.
        of: String,
    },
    /// A field went.
    Removed {
        /// What it was.
        of: String,
    },
    /// A field that could be left out is always there.
    Required,
    /// A field that was always there may be left out.
    Optional,
    /// It is of another type, format or size.
    Type {
        /// What it was.
        from: String,
        /// What it is.
        to: String,
    },
    /// A value came to those that it may have.
    ValueAdded {
        /// The value, as JSON.
        value: String,
    },
    /// A value went from those that it may have.
    ValueRemoved {
        /// The value, as JSON.
        value: String,
    },
    /// A variant came.
    VariantAdded {
        /// Its name.
        variant: String,
    },
    /// A variant went.
    VariantRemoved {
        /// Its name.
        variant: String,
    },
    /// Other fields than those that are named came to be there, or no longer are.
    Beside {
        /// Whether they were.
        from: String,
        /// Whether they are.
        to: String,
    },
}

/// What has changed from one schema to another, for people to read; whether it matters, tells
/// [`incompatibilities`](super::incompatibilities). Of schemas whose references multiply their parts to more than 10,000 places, those that
/// come later are left out.
///
/// ```
/// use allframe_cqrs::schema::differences;
/// use serde_json::json;
///
/// let earlier = json!({ "type": "object", "properties": { "amount": { "type": "integer" } }, "required": ["amount"] });
/// let later = json!({
///     "type": "object",
///     "properties": { "amount": { "type": "number" }, "note": { "type": "string" } },
///     "required": ["amount"],
/// });
/// let found: Vec<_> = differences(&earlier, &later).iter().map(ToString::to_string).collect();
/// assert_eq!(found, ["`/amount` was integer and is number", "`/note` was added: string, may be left out"]);
/// ```
#[must_use]
pub fn differences(earlier: &Value, later: &Value) -> Vec<Difference> {
    let mut walk = Walk {
        earlier: Document::new(earlier),
        later: Document::new(later),
        open: Vec::new(),
        places: 0,
        found: Vec::new(),
    };
    walk.compare(&vec![earlier], &vec![later], "");
    walk.found
}

struct Walk<'a> {
    earlier: Document<'a>,
    later: Document<'a>,
    /// What is being compared, further up.
    open: Vec<(Vec<*const Value>, Vec<*const Value>)>,
    places: usize,
    found: Vec<Difference>,
}

/// What a value may be: values that are named, variants, and what is left.
struct Kinds<'a> {
    values: Vec<String>,
    objects: Vec<Branch<'a>>,
    others: Vec<(Types, Branch<'a>)>,
}

impl<'a> Walk<'a> {
    fn compare(&mut self, earlier: &Node<'a>, later: &Node<'a>, path: &str) {
        let pair = (self.earlier.identity(earlier), self.later.identity(later));
        if self.open.len() > MAX_DEPTH || self.places == MAX_PLACES || self.open.contains(&pair) {
            return;
        }
        self.places += 1;
        self.open.push(pair);
        self.kinds(earlier, later, path);
        self.open.pop();
    }

    fn kinds(&mut self, earlier: &Node<'a>, later: &Node<'a>, path: &str) {
        let (was, is) = (Kinds::of(self.earlier, earlier), Kinds::of(self.later, later));
        for value in was.values.iter().filter(|value| !is.values.contains(value)) {
            self.note(path, Change::ValueRemoved { value: value.clone() });
        }
        for value in is.values.iter().filter(|value| !was.values.contains(value)) {
            self.note(path, Change::ValueAdded { value: value.clone() });
        }
        match (was.objects.as_slice(), is.objects.as_slice()) {
            ([one], [other]) => self.fields(one, other, path),
            (was_objects, is_objects) if !was_objects.is_empty() && !is_objects.is_empty() => {
                self.variants(was_objects, is_objects, path);
            }
            _ => {}
        }
        if let (Some(one), Some(other)) = (was.array(), is.array()) {
            self.elements(one, other, path);
        }
        let (from, to) = (was.described(), is.described());
        if from != to {
            self.note(path, Change::Type { from, to });
        }
    }

    fn fields(&mut self, was: &Branch<'a>, is: &Branch<'a>, path: &str) {
        let (before, after) = (names(was), names(is));
        let at = |name: &str| part_of(path, name);
        for name in before.iter().filter(|name| !after.contains(name)) {
            let of = described(self.earlier, was, name);
            self.note(&at(name), Change::Removed { of });
        }
        for name in &after {
            if !before.contains(name) {
                let of = described(self.later, is, name);
                self.note(&at(name), Change::Added { of });
                continue;
            }
            self.compare(&property(was, name), &property(is, name), &at(name));
            match (is_required(was, name), is_required(is, name)) {
                (false, true) => self.note(&at(name), Change::Required),
                (true, false) => self.note(&at(name), Change::Optional),
                _ => {}
            }
        }
        match (written_beside(was), written_beside(is)) {
            (Some(one), Some(other)) => {
                self.compare(&one, &other, &format!("{path}/*"));
            }
            (None, None) => {}
            (one, _) => {
                let words = ["no other fields", "other fields too"].map(str::to_owned);
                let [from, to] = if one.is_some() {
                    let [no, too] = words;
                    [too, no]
                } else {
                    words
                };
                self.note(path, Change::Beside { from, to });
            }
        }
    }

    fn variants(&mut self, was: &[Branch<'a>], is: &[Branch<'a>], path: &str) {
        let (was, is) = (named(self.earlier, was), named(self.later, is));
        for (name, _) in was.iter().filter(|(name, _)| !is.iter().any(|(other, _)| other == name)) {
            self.note(path, Change::VariantRemoved { variant: name.0.clone() });
        }
        for (name, branch) in &is {
            match was.iter().find(|(other, _)| other == name) {
                None => self.note(path, Change::VariantAdded { variant: name.0.clone() }),
                Some((_, before)) => self.fields(before, branch, path),
            }
        }
    }

    fn elements(&mut self, was: &Branch<'a>, is: &Branch<'a>, path: &str) {
        let firsts = first_items(was).max(first_items(is));
        let max = |branch| lengths(branch, "Items").max.and_then(|max| usize::try_from(max).ok());
        let in_both = [max(was), max(is)].into_iter().flatten().fold(firsts, usize::min);
        for place in 0..in_both {
            let at = format!("{path}/{place}");
            self.compare(&item(was, place), &item(is, place), &at);
        }
        if firsts == 0 {
            self.compare(&item(was, 0), &item(is, 0), &format!("{path}/*"));
        }
    }

    fn note(&mut self, path: &str, change: Change) {
        let difference = Difference { path: path.to_owned(), change };
        if !self.found.contains(&difference) {
            self.found.push(difference);
        }
    }
}

impl<'a> Kinds<'a> {
    fn of(document: Document<'a>, node: &Node<'a>) -> Self {
        let mut kinds = Self { values: Vec::new(), objects: Vec::new(), others: Vec::new() };
        for branch in document.alternatives(node).unwrap_or_default() {
            if let Some(values) = values(&branch) {
                kinds.values.extend(values.iter().map(ToString::to_string));
                continue;
            }
            for types in Types::of_all(&branch).each() {
                match types {
                    Types::OBJECT => kinds.objects.push(branch.clone()),
                    types => kinds.others.push((types, branch.clone())),
                }
            }
        }
        kinds
    }

    fn array(&self) -> Option<&Branch<'a>> {
        let mut arrays = self.others.iter().filter(|(types, _)| *types == Types::ARRAY);
        arrays.next().filter(|_| arrays.next().is_none()).map(|(_, branch)| branch)
    }

    /// In words, without its fields, elements and values.
    fn described(&self) -> String {
        let mut words: Vec<String> =
            self.others.iter().map(|(types, branch)| words(*types, branch)).collect();
        if !self.objects.is_empty() {
            words.push("object".to_owned());
        }
        if !self.values.is_empty() {
            words.push("one of some values".to_owned());
        }
        words.sort();
        words.dedup();
        // As one says it: a type, or null.
        words.sort_by_key(|word| word == "null");
        match words.len() {
            0 => "nothing".to_owned(),
            _ if self.others.iter().filter(|(_, branch)| branch.is_empty()).count() > 4 => {
                "anything".to_owned()
            }
            _ => words.join(" or "),
        }
    }
}

/// The alternatives by their names, and those of one name by their order.
fn named<'a, 'b>(document: Document<'a>, all: &'b [Branch<'a>]) -> Vec<((String, usize), &'b Branch<'a>)> {
    let mut named: Vec<((String, usize), &Branch<'a>)> = Vec::new();
    for branch in all {
        let name = name_of((document, branch), (document, all)).unwrap_or_default();
        let before = named.iter().filter(|((other, _), _)| *other == name).count();
        named.push(((name, before), branch));
    }
    named
}

fn words(types: Types, branch: &Branch<'_>) -> String {
    let mut words = types.to_string();
    if let Some(format) = branch.iter().find_map(|schema| format_of(schema)) {
        words = format!("{words} ({format})");
    } else if types == Types::INTEGER || types == Types::NUMBER {
        let range = Range::of(branch);
        if !range.is_everything() {
            words = format!("{words} {range}");
        }
    }
    let of = match types {
        Types::STRING => "Length",
        Types::ARRAY => "Items",
        _ => return words,
    };
    let lengths = lengths(branch, of);
    if lengths.min > 0 || lengths.max.is_some() {
        words = format!("{words} with a length {lengths}");
    }
    words
}

fn described<'a>(document: Document<'a>, branch: &Branch<'a>, name: &str) -> String {
    let field = Kinds::of(document, &property(branch, name)).described();
    match is_required(branch, name) {
        true => field,
        false => format!("{field}, may be left out"),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "the payload {}", self.change),
            path => write!(f, "`{path}` {}", self.change),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { of } => write!(f, "was added: {of}"),
            Self::Removed { of } => write!(f, "was removed; it was {of}"),
            Self::Required => f.write_str("could be left out, and is always there"),
            Self::Optional => f.write_str("was always there, and may be left out"),
            Self::Type { from, to } => write!(f, "was {from} and is {to}"),
            Self::ValueAdded { value } => write!(f, "may now be {value}"),
            Self::ValueRemoved { value } => write!(f, "is no longer {value}"),
            Self::VariantAdded { variant } => write!(f, "has a new variant `{variant}`"),
            Self::VariantRemoved { variant } => write!(f, "has no variant `{variant}` any more"),
            Self::Beside { from, to } => write!(f, "had {from} and has {to}"),
        }
    }
}
