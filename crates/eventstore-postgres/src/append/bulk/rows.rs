//! Rows as the server reads them in `COPY ... (FORMAT binary)`: https://www.postgresql.org/docs/current/sql-copy.html

use std::pin::pin;

use bytes::{BufMut, Bytes, BytesMut};
use deadpool_postgres::Transaction;
use eventstore_api::{AppendBatch, NewEvent};
use futures_util::SinkExt;
use tokio_postgres::{CopyInSink, Error, types::Type};

use super::plan::Plan;
use crate::{
    append::content::Content,
    columns::{server_micros, signed},
    statements::Statements,
};

/// How many bytes go to the server at a time: enough that sending them costs little beside making them.
const CHUNK_BYTES: usize = 256 << 10;

/// Sends rows in a transaction.
pub(super) struct Rows<'t, 'c> {
    pub(super) transaction: &'t Transaction<'c>,
    pub(super) sql: &'t Statements,
}

impl Rows<'_, '_> {
    pub(super) async fn copy_events(&self, plan: &Plan, batches: &[AppendBatch]) -> Result<(), Error> {
        let sink = self.transaction.copy_in::<_, Bytes>(&self.sql.copy_events).await?;
        let mut sink = pin!(sink);
        let recorded_at = server_micros(plan.recorded_at());
        let mut rows = Buffer::begin();
        for (stream_id, (position, version), event) in placed(plan, batches) {
            let content = Content::of(event);
            rows.row(12);
            rows.long(position);
            rows.long(stream_id);
            rows.long(version);
            rows.long(recorded_at);
            rows.bytes(event.id.as_uuid().as_bytes());
            rows.long(i64::from(event.schema_version));
            rows.short(i16::from(event.encoding.get()));
            rows.bytes(event.event_type.as_str().as_bytes());
            rows.optional(content.data.map(str::as_bytes));
            rows.optional(content.payload);
            rows.jsonb(content.metadata.as_deref());
            rows.texts(&content.tags);
            rows.send_when_full(sink.as_mut()).await?;
        }
        rows.end(sink).await
    }

    pub(super) async fn copy_tags(&self, plan: &Plan, batches: &[AppendBatch]) -> Result<(), Error> {
        let sink = self.transaction.copy_in::<_, Bytes>(&self.sql.copy_tags).await?;
        let mut sink = pin!(sink);
        let mut rows = Buffer::begin();
        for (_, (position, _), event) in placed(plan, batches) {
            for tag in &event.tags {
                rows.row(2);
                rows.bytes(tag.as_str().as_bytes());
                rows.long(position);
            }
            rows.send_when_full(sink.as_mut()).await?;
        }
        rows.end(sink).await
    }
}

/// Every event with the number of its stream, and its position and version.
fn placed<'p>(
    plan: &'p Plan,
    batches: &'p [AppendBatch],
) -> impl Iterator<Item = (i64, (i64, i64), &'p NewEvent)> {
    let appends = batches.iter().flat_map(|batch| &batch.appends);
    plan.places().zip(appends).flat_map(|((stream_id, appended), append)| {
        let (position, version) =
            (signed(appended.first_position.get()), signed(appended.first_version.get()));
        (0..).zip(&append.events).map(move |(n, event)| (stream_id, (position + n, version + n), event))
    })
}

/// Rows that wait to be sent.
struct Buffer(BytesMut);

impl Buffer {
    const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

    fn begin() -> Self {
        let mut bytes = BytesMut::with_capacity(CHUNK_BYTES + 4_096);
        bytes.put_slice(Self::SIGNATURE);
        // No flags, and no extension of the header.
        bytes.put_i64(0);
        Self(bytes)
    }

    fn row(&mut self, fields: i16) {
        self.0.put_i16(fields);
    }

    fn short(&mut self, number: i16) {
        self.bytes(&number.to_be_bytes());
    }

    fn long(&mut self, number: i64) {
        self.bytes(&number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.put_slice(bytes);
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self.null(),
        }
    }

    fn null(&mut self) {
        self.0.put_i32(-1);
    }

    /// As text behind the number of the format.
    fn jsonb(&mut self, text: Option<&str>) {
        let Some(text) = text else { return self.null() };
        self.length(text.len() + 1);
        self.0.put_u8(1);
        self.0.put_slice(text.as_bytes());
    }

    /// An array of texts; NULL where there are none.
    fn texts(&mut self, texts: &[&str]) {
        if texts.is_empty() {
            return self.null();
        }
        self.length(20 + texts.iter().map(|text| 4 + text.len()).sum::<usize>());
        // One dimension without NULL, whose first element has the number 1.
        self.0.put_i32(1);
        self.0.put_i32(0);
        self.0.put_u32(Type::TEXT.oid());
        self.length(texts.len());
        self.0.put_i32(1);
        texts.iter().for_each(|text| self.bytes(text.as_bytes()));
    }

    /// Far below 2 GiB by the limits of a batch.
    fn length(&mut self, length: usize) {
        self.0.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
    }

    async fn send_when_full(&mut self, mut sink: std::pin::Pin<&mut CopyInSink<Bytes>>) -> Result<(), Error> {
        if self.0.len() < CHUNK_BYTES {
            return Ok(());
        }
        sink.send(self.0.split().freeze()).await?;
        self.0.reserve(CHUNK_BYTES + 4_096);
        Ok(())
    }

    async fn end(mut self, mut sink: std::pin::Pin<&mut CopyInSink<Bytes>>) -> Result<(), Error> {
        self.0.put_i16(-1);
        sink.send(self.0.freeze()).await?;
        sink.finish().await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Buffer)) -> Vec<u8> {
        let mut buffer = Buffer(BytesMut::new());
        write(&mut buffer);
        buffer.0.to_vec()
    }

    #[test]
    fn a_file_begins_with_its_signature() {
        assert_eq!(Buffer::begin().0[..], *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    }

    #[test]
    fn a_field_has_its_length_in_front() {
        assert_eq!(written(|it| it.short(-2)), [0, 0, 0, 2, 255, 254]);
        assert_eq!(written(|it| it.bytes(b"ab")), [0, 0, 0, 2, b'a', b'b']);
        assert_eq!(written(|it| it.optional(None)), [255; 4]);
        assert_eq!(written(|it| it.jsonb(Some("{}"))), [0, 0, 0, 3, 1, b'{', b'}']);
    }

    #[test]
    fn an_array_says_its_dimension_type_and_length() {
        let expected = [
            0, 0, 0, 30, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, b'a', 0, 0,
            0, 1, b'b',
        ];
        assert_eq!(written(|it| it.texts(&["a", "b"])), expected);
        assert_eq!(written(|it| it.texts(&[])), [255; 4]);
    }
}
