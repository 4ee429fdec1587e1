//! What schemas say of the values of one type.

use serde_json::{Map, Value};

use super::{
    Finding, Reason,
    document::{ANYTHING, Branch, Node},
    fields::{is_required, names, names_read, properties, property, required_of, written_beside},
    limits::{Range, is_size, lengths},
    reading::{Reading, Written, undecided},
    types::Types,
};
use crate::json_pointer::part_of;

/// Keywords that forbid something, are not looked into, and may be left out of account where they say the same on both sides;
/// with the type of values that they are about.
const OPAQUE_ALONE: [(&str, Types); 7] = [
    ("not", Types::ALL),
    ("multipleOf", Types::NUMBER),
    ("pattern", Types::STRING),
    ("contains", Types::ARRAY),
    ("propertyNames", Types::OBJECT),
    ("dependentRequired", Types::OBJECT),
    ("contentSchema", Types::STRING),
];

/// Keywords whose meaning depends on others beside them.
const OPAQUE: [(&str, Types); 9] = [
    ("if", Types::ALL),
    ("$dynamicRef", Types::ALL),
    ("$recursiveRef", Types::ALL),
    ("unevaluatedItems", Types::ARRAY),
    ("additionalItems", Types::ARRAY),
    ("minContains", Types::ARRAY),
    ("maxContains", Types::ARRAY),
    ("dependentSchemas", Types::OBJECT),
    ("dependencies", Types::OBJECT),
];

impl<'a> Reading<'a> {
    /// Says of what is not looked into that it is not.
    pub(super) fn keywords(
        &self,
        schema: &Map<String, Value>,
        written: Written<'a, '_>,
        path: &str,
    ) -> Vec<Finding> {
        let is_about = |types: Types| !types.and(written.types).is_empty();
        let says_the_same = |keyword: &str, value: &Value| {
            !refers(value) && written.branch.iter().any(|schema| schema.get(keyword) == Some(value))
        };
        let alone = OPAQUE_ALONE.iter().filter(|(keyword, types)| {
            is_about(*types) && schema.get(*keyword).is_some_and(|value| !says_the_same(keyword, value))
        });
        let others =
            OPAQUE.iter().filter(|(keyword, types)| is_about(*types) && schema.contains_key(*keyword));
        alone
            .chain(others)
            .map(|(keyword, _)| undecided(path, &format!("`{keyword}` is not looked into")))
            .collect()
    }

    pub(super) fn number(schema: &Map<String, Value>, written: Written<'a, '_>, path: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        let (read, write) = (Range::of(&[schema]), Range::of(written.branch));
        if !read.covers(&write) {
            let reason = Reason::RangeNarrowed { written: write.to_string(), read: read.to_string() };
            findings.push(Finding::new(path, reason));
        }
        let is_narrowed =
            format_of(schema) == Some("float") && !formats_of(written.branch).any(|it| it == "float");
        if is_narrowed && written.types == Types::NUMBER {
            let from = formats_of(written.branch).next().map(str::to_owned);
            let reason = Reason::FormatChanged { written: from, read: "float".to_owned() };
            findings.push(Finding::new(path, reason));
        }
        findings.extend(format_changed(schema, written.branch, path));
        findings
    }

    pub(super) fn text(schema: &Map<String, Value>, written: Written<'a, '_>, path: &str) -> Vec<Finding> {
        let length = length_narrowed(schema, written.branch, "Length", path);
        length.into_iter().chain(format_changed(schema, written.branch, path)).collect()
    }

    pub(super) fn array(
        &mut self,
        schema: &'a Map<String, Value>,
        written: Written<'a, '_>,
        path: &str,
    ) -> Vec<Finding> {
        let mut findings: Vec<_> =
            length_narrowed(schema, written.branch, "Items", path).into_iter().collect();
        let is_unique = |schema: &Map<String, Value>| schema.get("uniqueItems") == Some(&Value::Bool(true));
        if is_unique(schema) && !written.branch.iter().any(|schema| is_unique(schema)) {
            findings.push(Finding::new(path, Reason::RepeatsNotRead));
        }
        let single = vec![schema];
        let firsts = first_items(&single).max(first_items(written.branch));
        let max = lengths(written.branch, "Items").max.and_then(|max| usize::try_from(max).ok());
        let is_there = |place: usize| max.is_none_or(|max| place < max);
        for place in (0..firsts).filter(|place| is_there(*place)) {
            let (read, write) = (item(&single, place), item(written.branch, place));
            findings.extend(self.compare(&read, &write, &format!("{path}/{place}")));
        }
        if is_there(firsts) {
            let (read, write) = (item(&single, firsts), item(written.branch, firsts));
            findings.extend(self.compare(&read, &write, &format!("{path}/*")));
        }
        findings
    }

    pub(super) fn object(
        &mut self,
        schema: &'a Map<String, Value>,
        written: Written<'a, '_>,
        path: &str,
    ) -> Vec<Finding> {
        let branch = written.branch;
        let beside = written_beside(branch);
        let mut findings = Vec::new();
        let known = properties(schema);
        let field_at = |name: &str| part_of(path, name);
        for name in required_of(schema) {
            let field = known.and_then(|known| known.get(name)).unwrap_or(&ANYTHING);
            let found = names_read(name, field).find(|name| is_required(branch, name));
            let mut sometimes = names_read(name, field).filter(|name| names(branch).contains(name));
            let reason = match found {
                Some(_) => continue,
                None if sometimes.next().is_some() || beside.is_some() => Reason::RequiredAndOptional,
                None => Reason::RequiredAndNotWritten,
            };
            findings.push(Finding::new(&field_at(name), reason));
        }
        for (name, field) in known.into_iter().flatten() {
            let mut written = names_read(name, field).filter(|name| names(branch).contains(name));
            let (Some(first), Some(second)) = (written.next(), written.find(|second| second != name)) else {
                continue;
            };
            let reason = Reason::FieldTwice { other: first.to_owned() };
            findings.push(Finding::new(&field_at(second), reason));
        }
        if let Some(patterns) = schema.get("patternProperties") {
            findings.extend(self.patterns(patterns, written, beside, path));
            return findings;
        }
        for name in names(branch) {
            let write = or_anything(property(branch, name));
            match read_as(known, name) {
                Some(field) => findings.extend(self.compare(&vec![field], &write, &field_at(name))),
                None => findings.extend(self.unnamed(schema, &write, &field_at(name))),
            }
        }
        if let Some(beside) = beside {
            // Under any name that is not written by itself, and so under those too that only the reader knows.
            let only_read =
                known.into_iter().flatten().filter(|(name, _)| !names(branch).contains(&name.as_str()));
            for (name, field) in only_read {
                findings.extend(self.compare(&vec![field], &beside, &field_at(name)));
            }
            findings.extend(self.unnamed(schema, &beside, &format!("{path}/*")));
        }
        findings.extend(property_count(schema, branch, path));
        findings
    }

    /// A map whose keys are of a form, as numbers are: read where it is written with keys of the same.
    fn patterns(
        &mut self,
        patterns: &'a Value,
        written: Written<'a, '_>,
        beside: Option<Node<'a>>,
        path: &str,
    ) -> Vec<Finding> {
        let patterns = patterns.as_object();
        let mut read = patterns.into_iter().flatten();
        let is_same = |pattern: &str| {
            written.branch.iter().any(|schema| {
                let theirs = schema.get("patternProperties").and_then(Value::as_object);
                schema.get("additionalProperties") == Some(&Value::Bool(false))
                    && theirs.is_some_and(|theirs| theirs.len() == 1 && theirs.contains_key(pattern))
            })
        };
        match (read.next(), read.next(), beside) {
            (Some((pattern, read)), None, Some(write))
                if names(written.branch).is_empty() && is_same(pattern) =>
            {
                self.compare(&vec![read], &write, &format!("{path}/*"))
            }
            _ => vec![undecided(path, "`patternProperties` is not looked into")],
        }
    }

    /// What is wrong with a field that the reading schema does not name.
    fn unnamed(&mut self, schema: &'a Map<String, Value>, write: &Node<'a>, path: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        match schema.get("additionalProperties") {
            Some(Value::Bool(false)) => findings.push(Finding::new(path, Reason::FieldDenied)),
            Some(read) => findings.extend(self.compare(&vec![read], write, path)),
            None => {}
        }
        match schema.get("unevaluatedProperties") {
            None | Some(Value::Bool(true)) => {}
            Some(_) => findings.push(undecided(path, "`unevaluatedProperties` is not looked into")),
        }
        findings
    }
}

/// What reads the field of this name.
fn read_as<'a>(known: Option<&'a Map<String, Value>>, name: &str) -> Option<&'a Value> {
    let known = known?;
    let by_alias = || {
        let mut fields = known.iter();
        fields.find(|(own, field)| names_read(own, field).any(|alias| alias == name)).map(|(_, field)| field)
    };
    known.get(name).or_else(by_alias)
}

fn or_anything(node: Node<'_>) -> Node<'_> {
    if node.is_empty() { vec![&ANYTHING] } else { node }
}

/// How many elements at the beginning have schemas of their own.
pub(super) fn first_items(branch: &Branch<'_>) -> usize {
    let firsts = branch.iter().filter_map(|schema| schema.get("prefixItems")?.as_array());
    firsts.map(Vec::len).max().unwrap_or_default()
}

/// What the element at a place is.
pub(super) fn item<'a>(branch: &Branch<'a>, place: usize) -> Node<'a> {
    let items = branch.iter().filter_map(|schema| {
        let first = schema.get("prefixItems").and_then(Value::as_array).and_then(|firsts| firsts.get(place));
        first.or_else(|| schema.get("items"))
    });
    or_anything(items.collect())
}

fn length_narrowed(
    schema: &Map<String, Value>,
    written: &Branch<'_>,
    of: &str,
    path: &str,
) -> Option<Finding> {
    let (read, write) = (lengths(&[schema], of), lengths(written, of));
    let reason = || Reason::LengthNarrowed { written: write.to_string(), read: read.to_string() };
    (!read.covers(&write)).then(|| Finding::new(path, reason()))
}

fn property_count(schema: &Map<String, Value>, written: &Branch<'_>, path: &str) -> Option<Finding> {
    let read = lengths(&[schema], "Properties");
    let mut write = lengths(written, "Properties");
    let fields = names(written);
    let always = fields.iter().filter(|name| is_required(written, name)).count();
    write.min = write.min.max(u64::try_from(always).unwrap_or_default());
    if written_beside(written).is_none() {
        let most = u64::try_from(fields.len()).unwrap_or(u64::MAX);
        write.max = Some(write.max.map_or(most, |max| max.min(most)));
    }
    let reason = || Reason::LengthNarrowed { written: write.to_string(), read: read.to_string() };
    (!read.covers(&write)).then(|| Finding::new(path, reason()))
}

/// A format other than those of numbers, in which they are compared as ranges.
fn format_changed(schema: &Map<String, Value>, written: &Branch<'_>, path: &str) -> Option<Finding> {
    let read = format_of(schema).filter(|format| !is_size(format))?;
    if formats_of(written).any(|format| format == read) {
        return None;
    }
    let written = formats_of(written).next().map(str::to_owned);
    Some(Finding::new(path, Reason::FormatChanged { written, read: read.to_owned() }))
}

pub(super) fn format_of(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("format").or_else(|| schema.get("contentEncoding"))?.as_str()
}

fn formats_of<'b>(branch: &'b Branch<'_>) -> impl Iterator<Item = &'b str> {
    branch.iter().filter_map(|schema| format_of(schema))
}

/// Whether a schema means something else in another document.
fn refers(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.contains_key("$ref") || fields.values().any(refers),
        Value::Array(items) => items.iter().any(refers),
        _ => false,
    }
}
