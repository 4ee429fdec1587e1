//! Whether the schemas of a program fit those that are registered.

use crate::schema::{
    CompatibilityMode, Direction, EventSchema, Finding, IncompatibleSchemas, Reason, RegisteredSchema,
    SchemaHistory, SchemaProblem, differences, incompatibilities,
    registry::{Candidates, by_name},
    undeclared_fields,
};

/// What reads what is stored under a name in a version.
pub(super) enum ReadBy<'a> {
    /// Today's type, as it is.
    Today(&'a EventSchema),
    /// Today's type, by what its fields say of that version.
    History(&'a EventSchema),
    /// Something of which no schema tells: an upcaster; or nobody here, since it is newer, or passed over.
    Others,
}

/// How payloads are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// By the names of their fields.
    Named,
    /// By the order of their fields, so that no change goes without a version.
    Ordered,
}

/// All that is stored under one name, against today's schemas.
pub(super) struct Judge<'a, 's> {
    pub(super) history: &'s SchemaHistory,
    /// What is written under the name today; `None` for a name that is only read.
    pub(super) today: Option<&'a EventSchema>,
    pub(super) mode: CompatibilityMode,
    pub(super) stored: Stored,
}

impl<'a, 's> Judge<'a, 's> {
    pub(super) fn problems(&self, read_by: impl Fn(u32) -> ReadBy<'a>) -> Vec<SchemaProblem> {
        let mut problems = Vec::new();
        for direction in self.mode.directions() {
            for registered in self.counted() {
                let earlier = &registered.schema;
                problems.extend(match direction {
                    Direction::Backward => self.backward(earlier, &read_by(earlier.schema_version)),
                    Direction::Forward => self.forward(earlier),
                });
            }
        }
        if self.mode.directions() == [Direction::Backward] {
            problems.extend(self.unregistered_beside_newer());
        }
        problems
    }

    /// Newer programs read what is registered of their earlier versions. Of what an older one writes that is not, they learn nothing.
    fn unregistered_beside_newer(&self) -> Option<SchemaProblem> {
        let today = self.today.filter(|today| self.history.place_of(today).is_none())?;
        let version = |registered: &RegisteredSchema| registered.schema.schema_version;
        self.history.schemas.iter().find(|newer| version(newer) > today.schema_version)?;
        let same = self.history.schemas.iter().rfind(|known| version(known) == today.schema_version)?;
        self.forward(&same.schema)
    }

    /// The schemas from before today's that count in the mode.
    fn counted(&self) -> Vec<&'s RegisteredSchema> {
        let known_at = self.today.and_then(|today| self.history.place_of(today));
        let before = known_at.unwrap_or(self.history.schemas.len());
        let mut earlier: Vec<_> = self.history.schemas.iter().take(before).collect();
        // Those of newer programs are theirs to see to.
        if let Some(today) = self.today {
            earlier.retain(|registered| registered.schema.schema_version <= today.schema_version);
        }
        if !self.mode.is_transitive() {
            let latest = earlier.iter().map(|registered| registered.schema.schema_version).max();
            earlier.retain(|registered| Some(registered.schema.schema_version) == latest);
            earlier = earlier.split_off(earlier.len().saturating_sub(1));
        }
        earlier
    }

    fn backward(&self, earlier: &EventSchema, read_by: &ReadBy<'_>) -> Option<SchemaProblem> {
        let event_type = self.history.event_type.clone();
        match read_by {
            ReadBy::Others => None,
            ReadBy::Today(today) => {
                let mut findings = incompatibilities(&today.read_schema, &earlier.schema);
                if findings.is_empty() {
                    findings.extend(self.out_of_order(earlier, today));
                }
                let version = today.schema_version;
                let stored_version = earlier.schema_version;
                some(findings).map(|findings| SchemaProblem::NotRead {
                    event_type,
                    stored_version,
                    version,
                    findings,
                })
            }
            ReadBy::History(declared) => {
                let mut findings = incompatibilities(&declared.read_schema, &earlier.schema);
                findings.extend(undeclared_fields(&declared.schema, &earlier.schema));
                if findings.is_empty() {
                    findings.extend(self.out_of_order(earlier, declared));
                }
                let version = earlier.schema_version;
                some(findings).map(|findings| SchemaProblem::HistoryDiffers { event_type, version, findings })
            }
        }
    }

    /// What is wrong with any change where fields are known by their order alone.
    fn out_of_order(&self, stored: &EventSchema, read: &EventSchema) -> Option<Finding> {
        let is_changed = || !differences(&stored.schema, &read.schema).is_empty();
        (self.stored == Stored::Ordered && is_changed()).then(ordered)
    }

    fn forward(&self, earlier: &EventSchema) -> Option<SchemaProblem> {
        let today = self.today?;
        let findings = incompatibilities(&earlier.read_schema, &today.schema);
        some(findings).map(|findings| SchemaProblem::NotReadByEarlier {
            event_type: self.history.event_type.clone(),
            earlier_version: earlier.schema_version,
            version: today.schema_version,
            findings,
        })
    }
}

/// The same where nothing is known but schemas: the last of each name reads all that count as they are.
pub(crate) fn judge_registered(
    candidates: &[Candidates],
    mode: CompatibilityMode,
) -> Result<(), IncompatibleSchemas> {
    let mut problems = Vec::new();
    for Candidates { history, schemas } in candidates {
        let mode = history.mode.unwrap_or(mode);
        let mut history = history.clone();
        for today in schemas {
            let judge = Judge { history: &history, today: Some(today), mode, stored: Stored::Named };
            problems.extend(judge.problems(|_| ReadBy::Today(today)));
            // The next has to fit this one too.
            history.release(today.clone());
        }
    }
    none_of(problems)
}

/// Everything in which schemas that are to be released do not fit those that were, name by name.
///
/// It is what [`EventStore::with_schemas`](crate::EventStore::with_schemas) asks, where there are schemas and no types: of each name, the
/// highest version of `new` is today's. That an earlier version is read, by its fields or by an upcaster, no schema tells, and a
/// program without it does not start; here it is taken for granted, unless `new` has that version in a form that would not read
/// it.
///
/// ```
/// use allframe_cqrs::schema::{CompatibilityMode, EventSchema, incompatible_releases};
///
/// let old = [EventSchema::of::<u64>("Deposited", 1)];
/// let new = [EventSchema::of::<u8>("Deposited", 1)];
/// let found = incompatible_releases(old, new, CompatibilityMode::Backward);
/// assert_eq!(found[0].event_type(), "Deposited");
/// ```
#[must_use]
pub fn incompatible_releases(
    old: impl IntoIterator<Item = EventSchema>,
    new: impl IntoIterator<Item = EventSchema>,
    mode: CompatibilityMode,
) -> Vec<SchemaProblem> {
    let old = by_name(old);
    let problems = by_name(new).into_iter().flat_map(|(name, schemas)| {
        let released = old.iter().find(|(known, _)| *known == name).map(|(_, schemas)| schemas.clone());
        let history = SchemaHistory::released(&name, released.unwrap_or_default());
        let today = schemas.last();
        let judge = Judge { history: &history, today, mode, stored: Stored::Named };
        judge.problems(|version| {
            let mut of_version = schemas.iter().filter(|schema| schema.schema_version == version);
            match (today.filter(|today| today.schema_version == version), of_version.next_back()) {
                (Some(today), _) => ReadBy::Today(today),
                (None, Some(declared)) => ReadBy::History(declared),
                (None, None) => ReadBy::Others,
            }
        })
    });
    problems.collect()
}

pub(super) fn none_of(problems: Vec<SchemaProblem>) -> Result<(), IncompatibleSchemas> {
    match problems.is_empty() {
        true => Ok(()),
        false => Err(IncompatibleSchemas { problems }),
    }
}

fn some(findings: Vec<Finding>) -> Option<Vec<Finding>> {
    (!findings.is_empty()).then_some(findings)
}

fn ordered() -> Finding {
    let because = "the store writes bincode, which knows fields only by their order".to_owned();
    Finding { path: String::new(), reason: Reason::Undecided { because } }
}
