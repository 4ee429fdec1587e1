//! Types as people write them in Rust: their schemas, their values, and what people change in them.

use fastrand::Rng;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Flag,
    Integer(&'static str),
    Real,
    Text,
    /// One of so many words.
    Word(u8),
    Optional(Box<Shape>),
    List(Box<Shape>),
    Tuple(Vec<Shape>),
    Map(Box<Shape>),
    Struct(Fields),
    Variants(Tagging, Vec<Fields>),
    /// One of the definitions beside.
    Named(bool),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fields {
    fields: Vec<(Shape, Presence)>,
    are_denied_beside: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Presence {
    Always,
    Sometimes,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tagging {
    External,
    Internal,
    Adjacent,
}

/// A type, and two that it may refer to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    root: Shape,
    /// Structs, so that no type is nothing but itself.
    definitions: [Fields; 2],
}

const INTEGERS: [&str; 6] = ["uint8", "uint16", "uint32", "uint64", "int32", "int64"];
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

pub(crate) fn document() -> impl Strategy<Value = Document> {
    (shape(), fields(shape()), fields(shape()))
        .prop_map(|(root, one, other)| Document { root, definitions: [one, other] })
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Flag),
        proptest::sample::select(INTEGERS.to_vec()).prop_map(Shape::Integer),
        Just(Shape::Real),
        Just(Shape::Text),
        (1..4u8).prop_map(Shape::Word),
        any::<bool>().prop_map(Shape::Named),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let some = proptest::collection::vec(inner.clone(), 1..3);
        let tagging = prop_oneof![Just(Tagging::External), Just(Tagging::Internal), Just(Tagging::Adjacent)];
        prop_oneof![
            1 => inner.clone().prop_map(|of| Shape::Optional(Box::new(of))),
            1 => inner.clone().prop_map(|of| Shape::List(Box::new(of))),
            1 => some.prop_map(Shape::Tuple),
            1 => inner.clone().prop_map(|of| Shape::Map(Box::new(of))),
            3 => fields(inner.clone()).prop_map(Shape::Struct),
            2 => (tagging, proptest::collection::vec(fields(inner), 1..4))
                .prop_map(|(tagging, variants)| Shape::Variants(tagging, variants)),
        ]
    })
}

fn fields(of: impl Strategy<Value = Shape>) -> impl Strategy<Value = Fields> {
    let presence = prop_oneof![3 => Just(Presence::Always), 1 => Just(Presence::Sometimes)];
    (proptest::collection::vec((of, presence), 0..4), prop::bool::weighted(0.2))
        .prop_map(|(fields, are_denied_beside)| Fields { fields, are_denied_beside })
}

impl Document {
    pub(crate) fn schema(&self) -> Value {
        // The root is beside the definitions, so that it may be any schema.
        let [one, other] = &self.definitions;
        json!({
            "allOf": [self.root.schema()],
            "$defs": { "false": one.schema(), "true": other.schema() },
        })
    }

    /// A value as a program of this type may write it; none where it would go too deep.
    pub(crate) fn value(&self, random: &mut Rng) -> Option<Value> {
        self.root.value(self, random, 8)
    }

    /// The same with a change or two.
    pub(crate) fn changed(&self, random: &mut Rng) -> Self {
        let mut changed = self.clone();
        for _ in 0..random.u8(1..3) {
            let place = random.usize(0..6);
            let Document { root, definitions: [one, other] } = &mut changed;
            match place {
                0 => one.change(random),
                1 => other.change(random),
                _ => root.change(random),
            }
        }
        changed
    }
}

impl Shape {
    fn schema(&self) -> Value {
        match self {
            Self::Flag => json!({ "type": "boolean" }),
            Self::Integer(format) if format.starts_with('u') => {
                json!({ "type": "integer", "format": format, "minimum": 0 })
            }
            Self::Integer(format) => json!({ "type": "integer", "format": format }),
            Self::Real => json!({ "type": "number", "format": "double" }),
            Self::Text => json!({ "type": "string" }),
            Self::Word(count) => json!({ "type": "string", "enum": NAMES[..usize::from(*count)] }),
            Self::Optional(of) => json!({ "anyOf": [of.schema(), { "type": "null" }] }),
            Self::List(of) => json!({ "type": "array", "items": of.schema() }),
            Self::Tuple(of) => {
                let items: Vec<_> = of.iter().map(Self::schema).collect();
                json!({ "type": "array", "minItems": of.len(), "maxItems": of.len(), "prefixItems": items })
            }
            Self::Map(of) => json!({ "type": "object", "additionalProperties": of.schema() }),
            Self::Struct(fields) => fields.schema(),
            Self::Variants(tagging, variants) => {
                let variants = NAMES.iter().zip(variants);
                let variants: Vec<_> = variants.map(|(name, fields)| tagging.schema(name, fields)).collect();
                json!({ "oneOf": variants })
            }
            Self::Named(which) => json!({ "$ref": format!("#/$defs/{which}") }),
        }
    }

    /// None where it would go too deep.
    fn value(&self, document: &Document, random: &mut Rng, depth: usize) -> Option<Value> {
        let deeper = depth.checked_sub(1)?;
        Some(match self {
            Self::Flag => json!(random.bool()),
            Self::Integer(format) => integer(format, random),
            Self::Real => json!(f64::from(random.i16(..)) / 4.0),
            Self::Text => json!(["", "a", "b", "text"][random.usize(0..4)]),
            Self::Word(count) => json!(NAMES[random.usize(0..usize::from(*count))]),
            Self::Optional(of) => match random.bool() {
                true => of.value(document, random, deeper).unwrap_or(Value::Null),
                false => Value::Null,
            },
            Self::List(of) => {
                let count = random.usize(0..3);
                json!((0..count).filter_map(|_| of.value(document, random, deeper)).collect::<Vec<_>>())
            }
            Self::Tuple(of) => {
                json!(of.iter().map(|of| of.value(document, random, deeper)).collect::<Option<Vec<_>>>()?)
            }
            Self::Map(of) => {
                let mut map = Map::new();
                for name in NAMES {
                    if random.bool()
                        && let Some(value) = of.value(document, random, deeper)
                    {
                        map.insert(name.to_owned(), value);
                    }
                }
                Value::Object(map)
            }
            Self::Struct(fields) => Value::Object(fields.value(document, random, deeper)?),
            Self::Variants(tagging, variants) => {
                let chosen = random.usize(0..variants.len());
                let content = variants[chosen].value(document, random, deeper)?;
                tagging.value(NAMES[chosen], content)
            }
            Self::Named(which) => {
                Value::Object(document.definitions[usize::from(*which)].value(document, random, deeper)?)
            }
        })
    }

    fn change(&mut self, random: &mut Rng) {
        let inner = random.u8(0..4) > 0;
        match self {
            Self::Integer(format) if inner => *format = INTEGERS[random.usize(0..INTEGERS.len())],
            Self::Word(count) if inner => *count = random.u8(1..5),
            Self::Optional(of) | Self::List(of) | Self::Map(of) if inner => of.change(random),
            Self::Tuple(of) if inner => {
                let place = random.usize(0..of.len());
                of[place].change(random);
            }
            Self::Struct(fields) if inner => fields.change(random),
            Self::Variants(_, variants) if inner => match random.u8(0..3) {
                0 => variants.truncate(variants.len().max(2) - 1),
                1 if variants.len() < 4 => variants.push(Fields { fields: vec![], are_denied_beside: false }),
                _ => {
                    let place = random.usize(0..variants.len());
                    variants[place].change(random);
                }
            },
            _ => {
                *self = match random.u8(0..5) {
                    0 => Self::Optional(Box::new(self.clone())),
                    1 => Self::Real,
                    2 => Self::Text,
                    3 => Self::Named(random.bool()),
                    _ => Self::Integer("uint16"),
                }
            }
        }
    }
}

impl Fields {
    fn named(&self) -> impl Iterator<Item = (&'static str, &(Shape, Presence))> {
        NAMES.into_iter().zip(&self.fields)
    }

    fn schema(&self) -> Value {
        let properties: Map<_, _> =
            self.named().map(|(name, (shape, _))| (name.to_owned(), shape.schema())).collect();
        let required: Vec<_> = self
            .named()
            .filter(|(_, (_, presence))| *presence == Presence::Always)
            .map(|(name, _)| name)
            .collect();
        let mut schema = json!({ "type": "object", "properties": properties, "required": required });
        if self.are_denied_beside {
            schema["additionalProperties"] = json!(false);
        }
        schema
    }

    fn value(&self, document: &Document, random: &mut Rng, depth: usize) -> Option<Map<String, Value>> {
        let mut fields = Map::new();
        for (name, (shape, presence)) in self.named() {
            if *presence == Presence::Always || random.bool() {
                fields.insert(name.to_owned(), shape.value(document, random, depth)?);
            }
        }
        Some(fields)
    }

    fn change(&mut self, random: &mut Rng) {
        match random.u8(0..5) {
            0 if self.fields.len() < 4 => self.fields.push((Shape::Text, Presence::Sometimes)),
            1 if self.fields.len() < 4 => self.fields.push((Shape::Flag, Presence::Always)),
            2 => drop(self.fields.pop()),
            3 => self.are_denied_beside = !self.are_denied_beside,
            _ if !self.fields.is_empty() => {
                let place = random.usize(0..self.fields.len());
                let (shape, presence) = &mut self.fields[place];
                match random.bool() {
                    true => shape.change(random),
                    false => *presence = Presence::Sometimes,
                }
            }
            _ => {}
        }
    }
}

impl Tagging {
    fn schema(self, name: &str, fields: &Fields) -> Value {
        match self {
            Self::External => json!({
                "type": "object",
                "properties": { name: fields.schema() },
                "required": [name],
                "additionalProperties": false,
            }),
            Self::Internal => {
                let mut schema = fields.schema();
                schema["properties"]["tag"] = json!({ "type": "string", "const": name });
                if let Value::Array(required) = &mut schema["required"] {
                    required.push(json!("tag"));
                }
                schema
            }
            Self::Adjacent => json!({
                "type": "object",
                "properties": { "tag": { "type": "string", "const": name }, "of": fields.schema() },
                "required": ["tag", "of"],
            }),
        }
    }

    fn value(self, name: &str, mut content: Map<String, Value>) -> Value {
        match self {
            Self::External => json!({ name: content }),
            Self::Internal => {
                content.insert("tag".to_owned(), json!(name));
                Value::Object(content)
            }
            Self::Adjacent => json!({ "tag": name, "of": content }),
        }
    }
}

fn integer(format: &str, random: &mut Rng) -> Value {
    let is_extreme = random.bool();
    match format {
        "uint8" if is_extreme => json!(u8::MAX),
        "uint16" if is_extreme => json!(u16::MAX),
        "uint32" if is_extreme => json!(u32::MAX),
        "uint64" if is_extreme => json!(u64::MAX),
        "int32" if is_extreme => json!(i32::MIN),
        "int64" if is_extreme => json!(i64::MIN),
        _ => json!(random.u8(0..3)),
    }
}
