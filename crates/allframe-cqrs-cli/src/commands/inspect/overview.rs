use std::collections::HashMap;

use eventstore_api::{EventStoreBackend, EventType, StreamId, StreamRange, Timestamp, Version};

use crate::{
    failure::Failure,
    jsonl::Rfc3339,
    page::PAGE_BYTES,
    screen::{Colours, Span, histogram, time_line},
    store::Store,
};

/// A stream at a glance: when there were events, and of which types. Takes 8 bytes an event.
#[derive(Default)]
pub(super) struct Overview {
    /// In microseconds.
    moments: Vec<i64>,
    types: HashMap<EventType, u64>,
}

impl Overview {
    /// Of the events up to this version.
    pub(super) async fn of(store: &Store, stream: &StreamId, last: Version) -> Result<Self, Failure> {
        let mut overview = Self::default();
        let mut range = StreamRange::all().max_bytes(PAGE_BYTES);
        loop {
            let page = store.read_stream(stream, range).await?;
            for event in page.events.iter().take_while(|event| event.version <= last) {
                overview.moments.push(event.recorded_at.as_micros());
                match overview.types.get_mut(&event.event_type) {
                    Some(count) => *count += 1,
                    None => {
                        overview.types.insert(event.event_type.clone(), 1);
                    }
                }
            }
            range = range.next_page(&page);
            if page.end_reached || range.after >= last {
                return Ok(overview);
            }
        }
    }

    /// Fewer than its version says, where its oldest events have been moved out of the store.
    pub(super) fn events(&self) -> u64 {
        self.moments.len() as u64
    }

    pub(super) fn lines(&self, width: usize, colours: Colours) -> Vec<String> {
        let ends = self.moments.first().zip(self.moments.last());
        let Some((first, last)) = ends else { return Vec::new() };
        let moment = |micros: i64| Rfc3339(Timestamp::from_micros(micros));
        let mut lines = vec![
            String::new(),
            format!("{} to {}, {}", moment(*first), moment(*last), Span(last.abs_diff(*first))),
            time_line(&self.moments, width, colours),
        ];
        let types = self.types.iter().map(|(name, count)| (name.to_string(), *count));
        lines.extend(histogram(types, width, colours));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_at_a_glance() {
        let (minute, hour, day) = (60_000_000, 3_600_000_000, 86_400_000_000);
        let begin = 1_357_034_400_000_000_i64;
        let mut moments = vec![0, minute, 2 * minute];
        moments.extend((0..30).map(|number| 3 * day + number * number * minute / 9));
        moments.push(5 * day + hour);
        let overview = Overview {
            moments: moments.into_iter().map(|moment| begin + moment).collect(),
            types: [("Opened", 1), ("Deposited", 29), ("Withdrawn", 4)]
                .map(|(name, count)| (EventType::new(name).unwrap(), count))
                .into(),
        };
        insta::assert_snapshot!(overview.lines(72, Colours::NONE).join("\n"));
    }
}
