//! A group of batches as the server takes it.

use std::collections::HashMap;

use eventstore_api::{AppendBatch, ExpectedVersion, NewEvent, Result, StreamId};
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::{
    content::Content,
    criteria::criteria,
    inside::Inside,
    outcome::{Outcome, outcomes},
};
use crate::{columns::signed, error::Failure, lent::Lent, requests, statements::Statements};

/// The arguments of `append_events`, which the migration explains. They lend from the batches.
#[derive(Default)]
pub(crate) struct Call<'b> {
    batches: Vec<&'b AppendBatch>,
    numbers: HashMap<&'b StreamId, i32>,
    streams: Vec<&'b str>,
    guard_batches: Vec<i32>,
    guard_streams: Vec<i32>,
    guard_versions: Vec<i64>,
    /// What to say when a guard does not hold.
    guards: Vec<(&'b StreamId, ExpectedVersion)>,
    condition: Option<String>,
    condition_after: i64,
    append_batches: Vec<i32>,
    append_streams: Vec<i32>,
    append_events: Vec<i32>,
    event_appends: Vec<i32>,
    event_ids: Vec<Uuid>,
    event_types: Vec<&'b str>,
    schema_versions: Vec<i64>,
    encodings: Vec<i16>,
    data: Vec<Option<&'b str>>,
    payloads: Vec<Option<&'b [u8]>>,
    metadata: Vec<Option<String>>,
    tags: Vec<Option<String>>,
}

impl<'b> Call<'b> {
    /// Of batches that do not depend on each other.
    pub(crate) fn of(batches: impl IntoIterator<Item = &'b AppendBatch>) -> Self {
        let mut call = Self::default();
        for batch in batches {
            call.add(batch);
        }
        call
    }

    fn add(&mut self, batch: &'b AppendBatch) {
        self.batches.push(batch);
        let number = count(self.batches.len());
        for append in &batch.appends {
            self.guard(number, &append.stream, append.expected);
        }
        for guard in &batch.guards {
            self.guard(number, &guard.stream, guard.expected);
        }
        if let Some(condition) = &batch.condition {
            self.condition = Some(criteria(&condition.fail_if_events_match).to_string());
            self.condition_after = signed(condition.after.get());
        }
        for append in &batch.appends {
            let stream = self.stream(&append.stream);
            self.append_batches.push(number);
            self.append_streams.push(stream);
            self.append_events.push(count(append.events.len()));
            let of_append = count(self.append_batches.len());
            append.events.iter().for_each(|event| self.event(of_append, event));
        }
    }

    fn guard(&mut self, batch: i32, stream: &'b StreamId, expected: ExpectedVersion) {
        let version = match expected {
            ExpectedVersion::Any => return,
            ExpectedVersion::NoStream => 0,
            ExpectedVersion::StreamExists => -1,
            ExpectedVersion::Exact(version) => signed(version.get()),
        };
        let number = self.stream(stream);
        self.guard_batches.push(batch);
        self.guard_streams.push(number);
        self.guard_versions.push(version);
        self.guards.push((stream, expected));
    }

    fn stream(&mut self, stream: &'b StreamId) -> i32 {
        *self.numbers.entry(stream).or_insert_with(|| {
            self.streams.push(stream.as_str());
            count(self.streams.len())
        })
    }

    fn event(&mut self, append: i32, event: &'b NewEvent) {
        self.event_appends.push(append);
        self.event_ids.push(*event.id.as_uuid());
        self.event_types.push(event.event_type.as_str());
        self.schema_versions.push(i64::from(event.schema_version));
        self.encodings.push(i16::from(event.encoding.get()));
        let content = Content::of(event);
        self.data.push(content.data);
        self.payloads.push(content.payload);
        self.metadata.push(content.metadata);
        self.tags.push((!content.tags.is_empty()).then(|| array(&content.tags)));
    }

    /// Has the server append it, in a transaction of its own.
    ///
    /// # Errors
    ///
    /// Why there is no answer; and inside, an answer that makes no sense.
    pub(crate) async fn send(
        &self,
        connection: &Lent,
        statements: &Statements,
        looks_ids_up: bool,
    ) -> std::result::Result<Result<Vec<Outcome>>, Failure> {
        let arguments = self.arguments(&looks_ids_up).map(|(argument, _)| argument);
        let rows = connection.kept_rows(&statements.append, &arguments).await?;
        Ok(outcomes(&self.batches, &self.guards, &rows))
    }

    /// The same in somebody's transaction, which a known id is not to fail; and on a connection that keeps nothing prepared.
    ///
    /// # Errors
    ///
    /// As [`Call::send`].
    pub(crate) async fn send_in(
        &self,
        inside: Inside<'_>,
    ) -> std::result::Result<Result<Vec<Outcome>>, Failure> {
        let arguments = self.arguments(&true);
        let rows =
            inside.within(requests::rows_unprepared(inside.client(), &inside.sql.append, &arguments)).await?;
        Ok(outcomes(&self.batches, &self.guards, &rows))
    }

    fn arguments<'a>(&'a self, looks_ids_up: &'a bool) -> [(&'a (dyn ToSql + Sync), Type); 19] {
        [
            (&self.streams, Type::TEXT_ARRAY),
            (&self.guard_batches, Type::INT4_ARRAY),
            (&self.guard_streams, Type::INT4_ARRAY),
            (&self.guard_versions, Type::INT8_ARRAY),
            (&self.condition, Type::TEXT),
            (&self.condition_after, Type::INT8),
            (&self.append_batches, Type::INT4_ARRAY),
            (&self.append_streams, Type::INT4_ARRAY),
            (&self.append_events, Type::INT4_ARRAY),
            (&self.event_appends, Type::INT4_ARRAY),
            (&self.event_ids, Type::UUID_ARRAY),
            (&self.event_types, Type::TEXT_ARRAY),
            (&self.schema_versions, Type::INT8_ARRAY),
            (&self.encodings, Type::INT2_ARRAY),
            (&self.data, Type::TEXT_ARRAY),
            (&self.payloads, Type::BYTEA_ARRAY),
            (&self.metadata, Type::TEXT_ARRAY),
            (&self.tags, Type::TEXT_ARRAY),
            (looks_ids_up, Type::BOOL),
        ]
    }
}

/// Beyond the limits of a batch by far.
fn count(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}

/// Tags as PostgreSQL reads an array of text.
fn array(tags: &[&str]) -> String {
    let mut array = String::from("{");
    for tag in tags {
        if array.len() > 1 {
            array.push(',');
        }
        array.push('"');
        for character in tag.chars() {
            if matches!(character, '"' | '\\') {
                array.push('\\');
            }
            array.push(character);
        }
        array.push('"');
    }
    array.push('}');
    array
}
