//! Whether all that one schema writes is read by another.

use serde_json::{Map, Value};

use super::{
    Finding, Reason,
    disjoint::{Beside, disjoint_in, name_of, values},
    document::{Branch, Document, Node, Opaque},
    limits::Range,
    types::Types,
};

/// So much is compared before it counts as too much to tell.
const MAX_STEPS: usize = 20_000;

/// Compares the schema of who reads with that of who writes.
pub(super) struct Reading<'a> {
    pub(super) reader: Document<'a>,
    pub(super) writer: Document<'a>,
    /// What is being compared, further up: what is nested in itself is readable if all else is.
    open: Vec<(Vec<*const Value>, Vec<*const Value>)>,
    steps: usize,
}

/// Of all that may be written at a place, that of one type.
#[derive(Clone, Copy)]
pub(super) struct Written<'a, 'b> {
    pub(super) types: Types,
    pub(super) branch: &'b Branch<'a>,
}

impl<'a> Reading<'a> {
    pub(super) const fn new(reader: &'a Value, writer: &'a Value) -> Self {
        Self { reader: Document::new(reader), writer: Document::new(writer), open: Vec::new(), steps: 0 }
    }

    /// Everything at this place and below that is written and not read.
    pub(super) fn compare(&mut self, read: &Node<'a>, written: &Node<'a>, path: &str) -> Vec<Finding> {
        let pair = (self.reader.identity(read), self.writer.identity(written));
        if self.open.contains(&pair) {
            return Vec::new();
        }
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return vec![undecided(path, "the schemas are too large to compare")];
        }
        self.open.push(pair);
        let findings = self
            .alternatives(read, written, path)
            .unwrap_or_else(|Opaque(because)| vec![Finding::new(path, Reason::Undecided { because })]);
        self.open.pop();
        findings
    }

    fn alternatives(
        &mut self,
        read: &Node<'a>,
        written: &Node<'a>,
        path: &str,
    ) -> Result<Vec<Finding>, Opaque> {
        let written = self.writer.alternatives(written)?;
        let read = self.reader.choice(read)?;
        let mut findings = Vec::new();
        for branch in &written {
            let is_outside =
                |other| disjoint_in((self.reader, other), (self.writer, branch), Beside::Nothing);
            if read.overlaps.iter().any(|(one, other)| !is_outside(one) && !is_outside(other)) {
                findings.push(undecided(path, "more than one alternative of a `oneOf` may fit"));
            }
            match values(branch) {
                Some(values) => {
                    let types = Types::of_all(branch);
                    let values = values.into_iter().filter(|value| types.holds(Types::of_value(value)));
                    findings.extend(values.filter_map(|value| self.value(&read.branches, value, path)));
                }
                None => {
                    for types in Types::of_all(branch).each() {
                        findings.extend(self.best(&read.branches, Written { types, branch }, path));
                    }
                }
            }
        }
        let mut seen = Vec::new();
        findings.retain(|finding| {
            !seen.contains(finding) && {
                seen.push(finding.clone());
                true
            }
        });
        Ok(findings)
    }

    /// What is wrong with that alternative which fits best.
    fn best(&mut self, read: &[Branch<'a>], written: Written<'a, '_>, path: &str) -> Vec<Finding> {
        let types = written.types;
        let fitting: Vec<_> =
            read.iter().filter(|branch| !Types::of_all(branch).and(types).is_empty()).collect();
        if fitting.is_empty() {
            return vec![Finding::new(path, not_read(read, types))];
        }
        let (reader, writer) = (self.reader, self.writer);
        let is_other =
            |branch: &Branch<'a>, beside| disjoint_in((reader, branch), (writer, written.branch), beside);
        // Of several variants, one is meant; what is wrong with the others is of no interest.
        let meant: Vec<_> = match fitting.len() {
            1 => fitting,
            _ => fitting.into_iter().filter(|branch| !is_other(branch, Beside::Something)).collect(),
        };
        let is_unknown = meant.len() != 1 && meant.iter().all(|branch| is_other(branch, Beside::Nothing));
        if is_unknown {
            let variant =
                name_of((writer, written.branch), (reader, read)).unwrap_or_else(|| types.to_string());
            return vec![Finding::new(path, Reason::VariantNotRead { variant })];
        }
        let mut best: Option<Vec<Finding>> = None;
        for branch in meant {
            let mut found = Vec::new();
            for schema in branch {
                found.extend(self.branch(schema, written, path));
            }
            if found.is_empty() {
                return found;
            }
            if best.as_ref().is_none_or(|best| found.len() < best.len()) {
                best = Some(found);
            }
        }
        best.unwrap_or_default()
    }

    fn branch(
        &mut self,
        schema: &'a Map<String, Value>,
        written: Written<'a, '_>,
        path: &str,
    ) -> Vec<Finding> {
        let types = Types::of(schema);
        if !types.holds(written.types) {
            let (written, read) = (written.types.to_string(), types.to_string());
            return vec![Finding::new(path, Reason::TypeChanged { written, read })];
        }
        if let Some(found) = some_values(schema, written.types) {
            return found
                .map(|read| Finding::new(path, Reason::OnlySomeValuesRead { read }))
                .into_iter()
                .collect();
        }
        let mut findings = self.keywords(schema, written, path);
        match written.types {
            Types::NUMBER | Types::INTEGER => findings.extend(Self::number(schema, written, path)),
            Types::STRING => findings.extend(Self::text(schema, written, path)),
            Types::ARRAY => findings.extend(self.array(schema, written, path)),
            Types::OBJECT => findings.extend(self.object(schema, written, path)),
            _ => {}
        }
        findings
    }

    /// What is wrong with a value that is named by itself.
    fn value(&self, read: &[Branch<'a>], value: &Value, path: &str) -> Option<Finding> {
        let types = Types::of_value(value);
        let fitting: Vec<_> = read.iter().filter(|branch| Types::of_all(branch).holds(types)).collect();
        if fitting.is_empty() {
            return Some(Finding::new(path, not_read(read, types)));
        }
        let is_listed = |branch: &Branch<'a>| values(branch).is_none_or(|values| values.contains(&value));
        let listing: Vec<_> = fitting.into_iter().filter(|branch| is_listed(branch)).collect();
        if listing.is_empty() {
            return Some(Finding::new(path, Reason::ValueNotRead { value: value.to_string() }));
        }
        let verdicts: Vec<_> = listing.iter().map(|branch| takes(branch, value)).collect();
        match () {
            () if verdicts.contains(&Some(true)) => None,
            () if verdicts.contains(&None) => {
                Some(undecided(path, &format!("it cannot be told whether {value} is read")))
            }
            () => Some(Finding::new(path, Reason::ValueNotRead { value: value.to_string() })),
        }
    }
}

/// Whether alternatives that allow its type and list it, if they list any, take a value; `None` where it cannot be told.
fn takes(branch: &Branch<'_>, value: &Value) -> Option<bool> {
    let says =
        |words: &[&str]| branch.iter().any(|schema| words.iter().any(|word| schema.contains_key(*word)));
    if says(&["not", "if"]) {
        return None;
    }
    match value {
        Value::Null | Value::Bool(_) => Some(true),
        Value::Number(number) if !says(&["multipleOf"]) => {
            Some(Range::of(branch).covers(&Range::only(number)))
        }
        Value::String(_) if !says(&["pattern", "format", "minLength", "maxLength"]) => Some(true),
        // Whoever lists it and says no more takes it.
        _ if values(branch).is_some() && branch.len() == 1 && !says(&STRUCTURE) => Some(true),
        _ => None,
    }
}

const STRUCTURE: [&str; 8] = [
    "properties",
    "required",
    "additionalProperties",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "pattern",
];

/// Where a schema lists the values that it reads and any of a type is written: those, or nothing where they are all there are.
fn some_values(schema: &Map<String, Value>, written: Types) -> Option<Option<Vec<String>>> {
    let values = values(&[schema])?;
    let has = |value: Value| values.contains(&&value);
    let are_all = match written {
        Types::NULL => has(Value::Null),
        Types::BOOLEAN => has(Value::Bool(true)) && has(Value::Bool(false)),
        _ => false,
    };
    Some((!are_all).then(|| values.iter().map(ToString::to_string).collect()))
}

/// Why nothing reads a type.
fn not_read(read: &[Branch<'_>], written: Types) -> Reason {
    let types = read.iter().fold(Types::NONE, |types, branch| types.or(Types::of_all(branch)));
    match written {
        Types::NULL if !types.is_empty() => Reason::NullNotRead,
        _ => Reason::TypeChanged { written: written.to_string(), read: types.to_string() },
    }
}

pub(super) fn undecided(path: &str, because: &str) -> Finding {
    Finding::new(path, Reason::Undecided { because: because.to_owned() })
}
