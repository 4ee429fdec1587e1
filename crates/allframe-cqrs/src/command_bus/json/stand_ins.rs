use std::collections::HashSet;

use serde_json::Value;

use super::{
    failure::Failure,
    pointer::{field_of, pointer_and_containers, split_last},
    sample::sample_at,
};

/// A value in which others stand where what came cannot be read, so that the rest of it can be looked at.
pub(super) struct StandIns<'a> {
    schema: &'a Value,
    value: Value,
    places: HashSet<String>,
}

impl<'a> StandIns<'a> {
    /// Nothing stands in for anything yet.
    pub(super) fn new(schema: &'a Value, value: Value) -> Self {
        Self { schema, value, places: HashSet::new() }
    }

    pub(super) const fn value(&self) -> &Value {
        &self.value
    }

    pub(super) const fn value_mut(&mut self) -> &mut Value {
        &mut self.value
    }

    /// Takes away what failed, and puts something there that fits, if there must be something. Whether this changed anything.
    pub(super) fn mend(&mut self, failure: &Failure) -> bool {
        let place = &failure.place;
        let Some((container, last)) = split_last(place) else { return false };
        if pointer_and_containers(place).any(|place| self.places.contains(place)) {
            return false;
        }
        let mended = match (self.value.pointer_mut(container), failure.is_unknown) {
            (Some(Value::Object(fields)), true) => return fields.remove(&last).is_some(),
            (Some(Value::Object(fields)), false) => {
                sample_at(self.schema, place).map(|sample| drop(fields.insert(last, sample)))
            }
            (Some(Value::Array(items)), _) => {
                let item = last.parse().ok().and_then(|number: usize| items.get_mut(number));
                item.zip(sample_at(self.schema, place)).map(|(item, sample)| *item = sample)
            }
            _ => None,
        };
        if mended.is_some() {
            self.places.insert(place.clone());
        }
        mended.is_some()
    }

    /// The fields of which it is not certain that they were looked at as they came.
    pub(super) fn uncertain(&self) -> Uncertain {
        let mut uncertain = Uncertain::default();
        for place in &self.places {
            let around = split_last(place).map_or("", |(container, _)| container);
            let is_item = self.value.pointer(around).is_some_and(Value::is_array);
            // Rules of its neighbours may look at it. Those of the command itself are known by name if they do, and items of a
            // list do not know each other.
            let reach = if around.is_empty() || is_item { place } else { around };
            uncertain.with_all_within.insert(field_of(reach));
            uncertain.alone.extend(self_and_containers(&field_of(place)).map(str::to_owned));
        }
        uncertain
    }
}

/// Fields of which a rule may have seen what stands in.
#[derive(Default)]
pub(super) struct Uncertain {
    alone: HashSet<String>,
    with_all_within: HashSet<String>,
}

impl Uncertain {
    pub(super) fn contains(&self, field: &str) -> bool {
        self.alone.contains(field)
            || self_and_containers(field).any(|field| self.with_all_within.contains(field))
    }
}

/// `lines[2].text`, `lines[2]` and `lines`.
fn self_and_containers(field: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(field), |field| field.get(..field.rfind(['.', '['])?))
}
