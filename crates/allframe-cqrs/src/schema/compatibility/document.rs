//! A JSON schema as a choice between alternatives, none of which refers to others.

use serde_json::{Map, Value};

use super::disjoint::disjoint;
use crate::schema::canonical::ANNOTATIONS;

/// More alternatives than this, or deeper references, are not looked into.
const MAX_ALTERNATIVES: usize = 512;
const MAX_DEPTH: usize = 24;
/// So many schemas may hold at one place, each as often as it is referred to: a few lines that refer to each other many times over
/// are more than any memory holds.
const MAX_PARTS: usize = 4_096;

/// What allows everything: where a schema says nothing of a place.
pub(super) static ANYTHING: Value = Value::Bool(true);

/// Schemas that hold all at once at a place.
pub(super) type Node<'a> = Vec<&'a Value>;

/// Schemas that hold all at once, without their references and alternatives, which are beside them.
pub(super) type Branch<'a> = Vec<&'a Map<String, Value>>;

/// Why a schema cannot be looked into.
#[derive(Clone, Debug)]
pub(super) struct Opaque(pub(super) String);

/// A schema, with the definitions that its parts refer to.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    root: &'a Value,
}

type Overlaps<'a> = Vec<(Branch<'a>, Branch<'a>)>;

/// What a value may be at a place.
pub(super) struct Choice<'a> {
    pub(super) branches: Vec<Branch<'a>>,
    /// Pairs of alternatives of which a value is to fit exactly one, and may fit both.
    pub(super) overlaps: Overlaps<'a>,
}

impl<'a> Document<'a> {
    pub(super) const fn new(root: &'a Value) -> Self {
        Self { root }
    }

    pub(super) fn choice(&self, node: &[&'a Value]) -> Result<Choice<'a>, Opaque> {
        let mut overlaps = Vec::new();
        let branches = self.all_branches(node, &mut Some(&mut overlaps))?;
        Ok(Choice { branches, overlaps })
    }

    /// The alternatives, whether or not more than one may fit.
    pub(super) fn alternatives(&self, node: &[&'a Value]) -> Result<Vec<Branch<'a>>, Opaque> {
        self.all_branches(node, &mut None)
    }

    fn all_branches(
        &self,
        node: &[&'a Value],
        overlaps: &mut Option<&mut Overlaps<'a>>,
    ) -> Result<Vec<Branch<'a>>, Opaque> {
        let mut branches = vec![Branch::new()];
        let mut left = MAX_PARTS;
        for schema in node {
            branches = both(&branches, &self.branches(schema, 0, overlaps, &mut left)?)?;
        }
        Ok(branches)
    }

    fn branches(
        &self,
        schema: &'a Value,
        depth: usize,
        overlaps: &mut Option<&mut Overlaps<'a>>,
        left: &mut usize,
    ) -> Result<Vec<Branch<'a>>, Opaque> {
        if depth > MAX_DEPTH {
            return Err(Opaque("its references lead too deep".to_owned()));
        }
        *left = left.checked_sub(1).ok_or_else(|| Opaque("it has too many parts".to_owned()))?;
        let schema = match schema {
            Value::Bool(true) => return Ok(vec![Branch::new()]),
            Value::Bool(false) => return Ok(Vec::new()),
            Value::Object(schema) => schema,
            _ => return Err(Opaque("it is no JSON schema".to_owned())),
        };
        let mut branches = vec![vec![schema]];
        if let Some(reference) = schema.get("$ref") {
            let target = self.resolve(reference)?;
            branches = both(&branches, &self.branches(target, depth + 1, overlaps, left)?)?;
        }
        for part in members(schema, "allOf")? {
            branches = both(&branches, &self.branches(part, depth + 1, overlaps, left)?)?;
        }
        for keyword in ["anyOf", "oneOf"] {
            if !schema.contains_key(keyword) {
                continue;
            }
            let mut either: Vec<Branch<'a>> = Vec::new();
            for part in members(schema, keyword)? {
                let more = self.branches(part, depth + 1, overlaps, left)?;
                if keyword == "oneOf"
                    && let Some(overlaps) = overlaps
                {
                    for one in &either {
                        let others = more.iter().filter(|other| !disjoint(*self, one, other));
                        overlaps.extend(others.map(|other| (one.clone(), other.clone())));
                    }
                }
                either.extend(more);
            }
            branches = both(&branches, &either)?;
        }
        Ok(branches)
    }

    /// What tells places with the same schemas, however these are referred to.
    pub(super) fn identity(&self, node: &[&'a Value]) -> Vec<*const Value> {
        let target = |schema: &'a Value| {
            let mut target = schema;
            for _ in 0..MAX_DEPTH {
                match only_reference(target).and_then(|reference| self.resolve(reference).ok()) {
                    Some(next) => target = next,
                    None => break,
                }
            }
            std::ptr::from_ref::<Value>(target)
        };
        node.iter().copied().map(target).collect()
    }

    fn resolve(&self, reference: &Value) -> Result<&'a Value, Opaque> {
        let unknown = || Opaque(format!("{reference} leads nowhere in the schema"));
        let pointer = reference.as_str().and_then(|text| text.strip_prefix('#')).ok_or_else(unknown)?;
        self.root.pointer(pointer).ok_or_else(unknown)
    }
}

/// The reference of a schema that says nothing else of values.
fn only_reference(schema: &Value) -> Option<&Value> {
    let schema = schema.as_object()?;
    let says_more = |keyword: &String| keyword != "$ref" && !ANNOTATIONS.contains(&keyword.as_str());
    schema.get("$ref").filter(|_| !schema.keys().any(says_more))
}

/// What meets one of these and one of those.
fn both<'a>(these: &[Branch<'a>], those: &[Branch<'a>]) -> Result<Vec<Branch<'a>>, Opaque> {
    if these.len().saturating_mul(those.len()) > MAX_ALTERNATIVES {
        return Err(Opaque("it has too many alternatives".to_owned()));
    }
    let pairs = these.iter().flat_map(|this| those.iter().map(move |that| (this, that)));
    Ok(pairs.map(|(this, that)| this.iter().chain(that).copied().collect()).collect())
}

fn members<'a>(schema: &'a Map<String, Value>, keyword: &str) -> Result<&'a [Value], Opaque> {
    match schema.get(keyword) {
        None => Ok(&[]),
        Some(Value::Array(members)) => Ok(members),
        Some(_) => Err(Opaque(format!("its `{keyword}` is no list"))),
    }
}
