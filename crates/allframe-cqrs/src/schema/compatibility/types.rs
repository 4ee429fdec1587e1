//! The types of JSON values, as sets.

use std::fmt;

use serde_json::{Map, Value};

/// A set of types. Integers are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    pub(super) const NONE: Self = Self(0);
    pub(super) const NULL: Self = Self(1);
    pub(super) const BOOLEAN: Self = Self(2);
    pub(super) const INTEGER: Self = Self(4);
    /// Numbers, with the integers among them.
    pub(super) const NUMBER: Self = Self(4 | 8);
    pub(super) const STRING: Self = Self(16);
    pub(super) const ARRAY: Self = Self(32);
    pub(super) const OBJECT: Self = Self(64);
    pub(super) const ALL: Self = Self(127);

    const NAMED: [(&'static str, Self); 7] = [
        ("null", Self::NULL),
        ("boolean", Self::BOOLEAN),
        ("number", Self::NUMBER),
        ("integer", Self::INTEGER),
        ("string", Self::STRING),
        ("array", Self::ARRAY),
        ("object", Self::OBJECT),
    ];

    /// The types that a schema allows.
    pub(super) fn of(schema: &Map<String, Value>) -> Self {
        match schema.get("type") {
            None => Self::ALL,
            Some(Value::Array(names)) => names.iter().fold(Self::NONE, |types, name| types.or(named(name))),
            Some(name) => named(name),
        }
    }

    /// The types that all these schemas allow.
    pub(super) fn of_all(schemas: &[&Map<String, Value>]) -> Self {
        schemas.iter().fold(Self::ALL, |types, schema| types.and(Self::of(schema)))
    }

    pub(super) fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(number) if is_whole(number) => Self::INTEGER,
            Value::Number(_) => Self::NUMBER,
            Value::String(_) => Self::STRING,
            Value::Array(_) => Self::ARRAY,
            Value::Object(_) => Self::OBJECT,
        }
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn holds(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each type alone; integers only where not all numbers are meant.
    pub(super) fn each(self) -> impl Iterator<Item = Self> {
        let has_numbers = self.holds(Self::NUMBER);
        let types =
            Self::NAMED.into_iter().map(|(_, single)| single).filter(move |single| self.holds(*single));
        types.filter(move |single| !(has_numbers && *single == Self::INTEGER))
    }
}

fn is_whole(number: &serde_json::Number) -> bool {
    !number.is_f64() || number.as_f64().is_some_and(|value| value.fract() == 0.0)
}

fn named(name: &Value) -> Types {
    let name = name.as_str().unwrap_or_default();
    let found = Types::NAMED.iter().find(|(known, _)| *known == name);
    found.map_or(Types::NONE, |(_, types)| *types)
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |types: Self| Self::NAMED.iter().find(|(_, known)| *known == types).map(|(name, _)| *name);
        let names: Vec<_> = self.each().filter_map(name).collect();
        match *self {
            Self::ALL => f.write_str("anything"),
            Self::NONE => f.write_str("nothing"),
            _ => f.write_str(&names.join(" or ")),
        }
    }
}
