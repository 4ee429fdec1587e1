use std::{any::Any, collections::HashSet};

use jsonschema::Validator;
use serde_json::Value;

use super::{
    failure::{Failure, told},
    numbers::{make_whole, set_bounds},
    pointer::pointer_of,
    stand_ins::StandIns,
};
use crate::{BuildProblem, Command, CommandError, ValidationError};

/// So many places are looked for that fit the schema and that serde cannot read. Each takes another look at the whole value.
const MAX_UNREADABLE: usize = 64;

/// Reads commands of one type from JSON.
pub(crate) struct JsonReader {
    schema: Value,
    validator: Validator,
    read: Box<ReadFn>,
}

type ReadFn = dyn Fn(&Value) -> Result<Read, Failure> + Send + Sync;

/// A command that was read, and what its own checks say of it.
struct Read {
    command: Box<dyn Any + Send + Sync>,
    broken: Vec<Broken>,
}

/// A rule of a field that does not hold.
struct Broken {
    error: ValidationError,
    /// It says nothing as long as another field stands for one that could not be read.
    may_look_at_others: bool,
}

impl JsonReader {
    pub(crate) fn of<C: Command>() -> Result<Option<Self>, BuildProblem> {
        let Some(form) = C::json_form() else { return Ok(None) };
        let mut schema = form.schema();
        set_bounds(&mut schema);
        let validator = jsonschema::validator_for(&schema)
            .map_err(|error| BuildProblem::InvalidSchema { command: C::name(), reason: error.to_string() })?;
        let read = move |value: &Value| {
            let command = form.read(value).map_err(|error| {
                Failure::new(pointer_of(error.path(), value), error.inner().to_string(), "unreadable")
            })?;
            let broken = command.check().err().unwrap_or_default().into_iter().map(|mut error| {
                let may_look_at_others = form.may_look_at_others(&error.field);
                error.field = form.path_in_json(std::mem::take(&mut error.field));
                Broken { error, may_look_at_others }
            });
            let broken = broken.collect();
            Ok(Read { command: Box::new(command), broken })
        };
        Ok(Some(Self { schema, validator, read: Box::new(read) }))
    }

    pub(super) fn schema(&self) -> &Value {
        &self.schema
    }

    pub(super) fn read(&self, mut value: Value) -> Result<Box<dyn Any + Send + Sync>, CommandError> {
        let failures: Vec<_> = self.validator.iter_errors(&value).flat_map(|error| told(&error)).collect();
        let mut read = (self.read)(&value);
        if read.is_err() && failures.is_empty() {
            // To the schema, as to JSON, 7.0 is an integer; to serde it is not.
            make_whole(&mut value);
            read = (self.read)(&value);
        }
        let (failures, broken) = match read {
            Ok(read) if failures.is_empty() && read.broken.is_empty() => return Ok(read.command),
            Ok(read) => (failures, read.broken),
            Err(_) => self.read_the_rest(value, failures),
        };
        let mut errors: Vec<_> = failures.into_iter().map(|failure| failure.error).collect();
        // The schema holds many of the same rules, and has told of them.
        let told: HashSet<_> = errors.iter().map(|error| error.field.clone()).collect();
        let untold =
            broken.into_iter().map(|broken| broken.error).filter(|error| !told.contains(&error.field));
        errors.extend(untold);
        errors.sort_by(|one, other| one.field.cmp(&other.field));
        Err(CommandError::Validation(errors))
    }

    /// What else is wrong with a value that cannot be read: with all that serde stops at, and then by the rules of fields, where
    /// what fails is not in their way.
    fn read_the_rest(&self, value: Value, mut failures: Vec<Failure>) -> (Vec<Failure>, Vec<Broken>) {
        let mut stand_ins = StandIns::new(&self.schema, value);
        // What contains others comes before them.
        failures.sort_by(|one, other| one.place.cmp(&other.place));
        for failure in &failures {
            stand_ins.mend(failure);
        }
        make_whole(stand_ins.value_mut());
        for _ in 0..MAX_UNREADABLE {
            let failure = match (self.read)(stand_ins.value()) {
                Ok(read) => {
                    let uncertain = stand_ins.uncertain();
                    let is_certain = |broken: &Broken| {
                        !broken.may_look_at_others && !uncertain.contains(&broken.error.field)
                    };
                    return (failures, read.broken.into_iter().filter(is_certain).collect());
                }
                Err(failure) => failure,
            };
            // What stands around it or within may be what is wrong, and has been told of.
            let is_told = failures.iter().any(|told| told.overlaps(&failure));
            let is_mended = stand_ins.mend(&failure);
            if !is_told {
                failures.push(failure);
            }
            if !is_mended {
                break;
            }
        }
        (failures, Vec::new())
    }
}
