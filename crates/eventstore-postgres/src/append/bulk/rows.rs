//! Rows as the server reads them in `COPY ... (FORMAT binary)`: <https://www.postgresql.org/docs/current/sql-copy.html>

use std::pin::Pin;

use bytes::{BufMut, Bytes, BytesMut};
use eventstore_api::{AppendBatch, NewEvent, Timestamp};
use futures_util::SinkExt;
use tokio_postgres::{CopyInSink, types::Type};

use super::{super::inside::Inside, plan::Plan};
use crate::{
    append::content::Content,
    columns::{server_micros, signed},
    error::Failure,
    requests,
};

/// How many bytes go to the server at a time: enough that sending them costs little beside making them.
const CHUNK_BYTES: usize = 256 << 10;

pub(super) async fn copy_events(
    inside: Inside<'_>,
    plan: &Plan,
    batches: &[&AppendBatch],
) -> Result<u64, Failure> {
    let mut rows = Rows::begin(inside, &inside.sql.copy_events).await?;
    for Placed { stream_id, position, version, recorded_at, event } in placed(plan, batches) {
        let content = Content::of(event);
        let row = &mut rows.buffer;
        row.begin(13);
        row.long(position);
        row.long(stream_id);
        row.long(version);
        row.long(server_micros(recorded_at));
        row.bytes(event.id.as_uuid().as_bytes());
        row.long(i64::from(event.schema_version));
        row.short(i16::from(event.encoding.get()));
        row.bytes(event.event_type.as_str().as_bytes());
        row.optional(content.data.map(str::as_bytes));
        row.optional(content.payload);
        row.int(event.payload.len());
        row.jsonb(content.metadata.as_deref());
        row.texts(&content.tags);
        rows.send_when_full().await?;
    }
    rows.end().await
}

pub(super) async fn copy_tags(
    inside: Inside<'_>,
    plan: &Plan,
    batches: &[&AppendBatch],
) -> Result<u64, Failure> {
    let mut rows = Rows::begin(inside, &inside.sql.copy_tags).await?;
    for Placed { position, event, .. } in placed(plan, batches) {
        for tag in &event.tags {
            rows.buffer.begin(2);
            rows.buffer.bytes(tag.as_str().as_bytes());
            rows.buffer.long(position);
        }
        rows.send_when_full().await?;
    }
    rows.end().await
}

/// An event, and what stands in its row beside it.
struct Placed<'b> {
    stream_id: i64,
    position: i64,
    version: i64,
    recorded_at: Timestamp,
    event: &'b NewEvent,
}

fn placed<'p, 'b: 'p>(
    plan: &'p Plan,
    batches: &'p [&'b AppendBatch],
) -> impl Iterator<Item = Placed<'b>> + 'p {
    let appends = batches.iter().copied().flat_map(|batch| &batch.appends);
    plan.rows_begin().zip(appends).flat_map(|((stream_id, appended, recorded_at), append)| {
        let (position, version) =
            (signed(appended.first_position.get()), signed(appended.first_version.get()));
        (0..).zip(&append.events).map(move |(n, event)| Placed {
            stream_id,
            position: position.saturating_add(n),
            version: version.saturating_add(n),
            recorded_at,
            event,
        })
    })
}

/// Rows on their way.
struct Rows<'t> {
    inside: Inside<'t>,
    buffer: Buffer,
    sink: Pin<Box<CopyInSink<Bytes>>>,
}

impl<'t> Rows<'t> {
    async fn begin(inside: Inside<'t>, copy: &str) -> Result<Self, Failure> {
        let sink = inside.within(requests::copy(inside.client(), copy)).await?;
        let mut buffer = Buffer(BytesMut::with_capacity(CHUNK_BYTES + 4_096));
        buffer.header();
        Ok(Self { inside, buffer, sink: Box::pin(sink) })
    }

    async fn send_when_full(&mut self) -> Result<(), Failure> {
        if self.buffer.0.len() < CHUNK_BYTES {
            return Ok(());
        }
        let chunk = self.buffer.0.split().freeze();
        self.buffer.0.reserve(CHUNK_BYTES + 4_096);
        self.inside.within(self.sink.send(chunk)).await
    }

    /// How many rows were stored.
    async fn end(mut self) -> Result<u64, Failure> {
        self.buffer.trailer();
        self.inside.within(self.sink.send(self.buffer.0.freeze())).await?;
        self.inside.within(self.sink.as_mut().finish()).await
    }
}

/// Rows that wait to be sent.
struct Buffer(BytesMut);

impl Buffer {
    const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

    fn header(&mut self) {
        self.0.put_slice(Self::SIGNATURE);
        // No flags, and no extension of the header.
        self.0.put_i64(0);
    }

    fn trailer(&mut self) {
        self.0.put_i16(-1);
    }

    /// A row with so many fields, which follow.
    fn begin(&mut self, fields: i16) {
        self.0.put_i16(fields);
    }

    fn short(&mut self, number: i16) {
        self.bytes(&number.to_be_bytes());
    }

    /// Far below 2 GiB by the limits of an event.
    fn int(&mut self, number: usize) {
        self.bytes(&i32::try_from(number).unwrap_or(i32::MAX).to_be_bytes());
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
        assert_eq!(written(Buffer::header), *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
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
