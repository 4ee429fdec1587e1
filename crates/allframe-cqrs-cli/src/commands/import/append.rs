use eventstore_api::{
    Appended, Encoding, EventStoreBackend, ExpectedVersion, GlobalPosition, InvalidInput, NewEvent,
    RecordedEvent, Result as StoreResult, StoreError, StreamAppend, StreamRange, Version,
};

use super::{batch::Line, lines::bad_line};
use crate::{
    failure::Failure,
    jsonl::json_text,
    store::{Target, with_retries},
};

/// Brings lines into a store, in their order.
pub(super) struct Appender<'t> {
    target: &'t dyn Target,
    /// Of the file, for messages.
    name: String,
    imported: u64,
    already_there: u64,
    /// Whether an append has failed that may have happened.
    may_be_more: bool,
    /// The position of the last event that is known of: one at or before it is not new.
    head: GlobalPosition,
}

impl<'t> Appender<'t> {
    pub(super) fn new(target: &'t dyn Target, name: String) -> Self {
        Self { target, name, imported: 0, already_there: 0, may_be_more: false, head: GlobalPosition::START }
    }

    pub(super) fn imported(&self) -> u64 {
        self.imported
    }

    pub(super) fn already_there(&self) -> u64 {
        self.already_there
    }

    /// How many lines are in the store now.
    pub(super) fn taken(&self) -> u64 {
        self.imported + self.already_there
    }

    /// Whether more lines may be in the store than are counted: of an append that failed it is not known what came of it.
    pub(super) fn may_be_more(&self) -> bool {
        self.may_be_more
    }

    /// Appends these lines, and makes them durable.
    ///
    /// The order of the lines becomes the order of the store. They are not synced one by one, but all of them at the end:
    /// where lines of few streams alternate, a sync an append takes 8 times as long as one for a thousand lines, or more
    /// (`docs/eventstore-tool.md`).
    pub(super) async fn append(&mut self, lines: &[Line]) -> Result<(), Failure> {
        // Others may append too. Looked at before the first attempt: what that stores is new, whatever is answered.
        let store = self.target.store();
        self.head = self.head.max(with_retries(async || store.head().await).await?);
        let mut rest = vec![lines];
        while let Some(lines) = rest.pop() {
            let (taken, done) = self.append_in_order(lines).await;
            match (done, lines.get(taken..).unwrap_or_default()) {
                (Ok(()), _) => {}
                (Err(StoreError::InvalidInput(refused)), [line]) => self.refused(line, refused).await?,
                // A part of them is there, from an import that was cut in other places, or from elsewhere: where the
                // known and the new ones lie apart they are appended. And if one event is not legal, its line is named.
                (Err(StoreError::InvalidInput(_)), lines) => {
                    let (first, second) = lines.split_at(lines.len() / 2);
                    rest.extend([second, first]);
                }
                (Err(error), _) => return Err(error.into()),
            }
        }
        Ok(self.target.store().flush().await?)
    }

    /// A line that is not taken may be there, in another form.
    async fn refused(&mut self, line: &Line, refused: InvalidInput) -> Result<(), Failure> {
        if let InvalidInput::EventIdReused { version, .. } = &refused
            && self.differs_in_white_space_alone(line, *version).await?
        {
            self.already_there += 1;
            return Ok(());
        }
        Err(bad_line(&self.name, line.number, refused))
    }

    /// Whether what is stored is what this line would be if its JSON had not lost its white space on the way.
    async fn differs_in_white_space_alone(&self, line: &Line, version: Version) -> StoreResult<bool> {
        let range = StreamRange::before(version.next()).limit(1);
        let page = self.target.store().read_stream(&line.stream, range).await?;
        Ok(page.events.first().is_some_and(|stored| is_the_same_json(stored, &line.event)))
    }

    /// Appends these lines, and counts those that the store has answered for, also where it fails at a later one: they are there. How many
    /// that are, from the first, is told beside what came of it.
    async fn append_in_order(&mut self, lines: &[Line]) -> (usize, StoreResult<()>) {
        let (target, appends) = (self.target, appends_of(lines));
        let mut answers: Vec<Appended> = Vec::with_capacity(appends.len());
        // Behind how many answers it was not known what came of the next append.
        let mut not_known = None;
        let done = with_retries(async || {
            let rest = appends.get(answers.len()..).unwrap_or_default().to_vec();
            let answer = target.append_in_order(rest, &mut answers).await;
            match &answer {
                Err(error) if !error.outcome_is_known() => not_known = Some(answers.len()),
                // It would have been answered if it had happened before.
                Err(StoreError::InvalidInput(_)) => not_known = None,
                _ => {}
            }
            answer
        })
        .await;
        // A store that only refuses to do it again says nothing of what it did before.
        self.may_be_more |= done.is_err() && not_known == Some(answers.len());
        let mut taken = 0;
        for (Appended { last_position, .. }, append) in answers.iter().zip(&appends) {
            let events = append.events.len();
            taken += events;
            // New ones come in their order, so what is not beyond all before it was there: from earlier, or a line before. Beyond it is
            // also what another has stored since: a store answers for that as if it were ours.
            if *last_position <= self.head {
                self.already_there += events as u64;
            } else {
                self.imported += events as u64;
                self.head = *last_position;
            }
        }
        (taken, done)
    }
}

/// The lines as appends in their order; those of a stream that stand together are one.
fn appends_of(lines: &[Line]) -> Vec<StreamAppend> {
    let mut appends: Vec<StreamAppend> = Vec::new();
    for Line { stream, event, .. } in lines {
        match appends.last_mut() {
            Some(append) if append.stream == *stream => append.events.push(event.clone()),
            _ => appends.push(StreamAppend {
                stream: stream.clone(),
                expected: ExpectedVersion::Any,
                events: vec![event.clone()],
            }),
        }
    }
    appends
}

fn is_the_same_json(stored: &RecordedEvent, event: &NewEvent) -> bool {
    let Some(json) = json_text::parse(&stored.payload) else { return false };
    let mut as_exported = stored.clone();
    as_exported.payload = json_text::compact(json).into();
    stored.encoding == Encoding::JSON && as_exported.same_content(event)
}

#[cfg(test)]
mod tests {
    use eventstore_api::{EventType, StreamId};
    #[cfg(feature = "memory")]
    use eventstore_memory::InMemoryBackend;

    use super::*;
    #[cfg(feature = "memory")]
    use crate::store::erring::{Asked, Erring, target_of};

    fn line(stream: char) -> Line {
        Line {
            number: 1,
            stream: StreamId::new(stream.to_string()).unwrap(),
            event: NewEvent::new(EventType::new("T").unwrap(), ""),
        }
    }

    #[tokio::test]
    #[cfg(feature = "memory")]
    async fn what_another_has_stored_since_the_beginning_is_there_already() {
        let location = crate::store_url::parse(Some("memory:")).unwrap();
        let target = crate::store::open_for_writing(&*location).await.unwrap();
        let mut appender = Appender::new(&*target, "file".to_owned());
        for already_there in [0, 1, 3] {
            let lines: Vec<Line> = "abc".chars().map(line).collect();
            for Line { stream, event, .. } in lines.iter().take(already_there) {
                target.store().append(stream, ExpectedVersion::Any, vec![event.clone()]).await.unwrap();
            }
            appender.append(&lines).await.unwrap();
        }
        assert_eq!((appender.imported(), appender.already_there()), (5, 4));
    }

    /// What an import of `aba` comes to on a store with this fault, and whether it counts more than are certain. It takes two appends.
    #[cfg(feature = "memory")]
    async fn counted(fault: fn(Asked) -> Option<StoreError>) -> (bool, u64, bool) {
        let target = target_of(Erring::new(InMemoryBackend::new(), fault));
        let mut appender = Appender::new(&*target, "file".to_owned());
        let lines: Vec<Line> = "aba".chars().map(line).collect();
        let appended = appender.append(&lines).await;
        assert_eq!(appender.already_there(), 0);
        (appended.is_ok(), appender.imported(), appender.may_be_more())
    }

    #[tokio::test]
    #[cfg(feature = "memory")]
    async fn what_was_appended_is_counted_though_a_later_append_of_the_batch_has_failed() {
        let counted = counted(|asked| match asked {
            Asked::Append(1) => Some(StoreError::storage("no space left on device")),
            _ => None,
        });
        assert_eq!(counted.await, (false, 2, false));
    }

    #[tokio::test(start_paused = true)]
    #[cfg(feature = "memory")]
    async fn of_an_append_that_may_have_happened_is_said_that_there_may_be_more() {
        let unknown = counted(|asked| match asked {
            Asked::Append(1) => Some(StoreError::outcome_unknown("the line went dead")),
            // Of the time before it knows nothing.
            Asked::Append(2) => Some(StoreError::Closed),
            _ => None,
        });
        assert_eq!(unknown.await, (false, 2, true));
        let known_in_the_end = counted(|asked| match asked {
            Asked::Append(1) => Some(StoreError::outcome_unknown("the line went dead")),
            _ => None,
        });
        assert_eq!(known_in_the_end.await, (true, 3, false));
    }

    /// They are not split, and counted, with those that are refused.
    #[tokio::test]
    #[cfg(feature = "memory")]
    async fn what_was_appended_before_a_line_that_is_refused_is_counted_once() {
        let location = crate::store_url::parse(Some("memory:")).unwrap();
        let target = crate::store::open_for_writing(&*location).await.unwrap();
        let mut appender = Appender::new(&*target, "file".to_owned());
        let mut lines: Vec<Line> = "abab".chars().map(line).collect();
        // The id of the first line, with another type.
        let event_type = EventType::new("Other").unwrap();
        lines.push(Line {
            number: 5,
            event: NewEvent::identified(lines[0].event.id, event_type, ""),
            ..line('a')
        });
        let failure = appender.append(&lines).await.unwrap_err();
        assert_eq!(failure.to_string(), "file:5");
        assert_eq!((appender.imported(), appender.already_there(), appender.may_be_more()), (4, 0, false));
    }

    #[test]
    fn lines_of_a_stream_that_stand_together_are_one_append() {
        let lines: Vec<Line> = "aabbbca".chars().map(line).collect();
        let appends = appends_of(&lines);
        let shape = appends.iter().map(|append| format!("{}{}", append.stream, append.events.len()));
        assert_eq!(shape.collect::<Vec<_>>(), ["a2", "b3", "c1", "a1"]);
    }
}
