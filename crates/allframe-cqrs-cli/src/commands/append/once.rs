use eventstore_api::{AppendBatch, Appended, EventId, EventStoreBackend, Result as StoreResult, StoreError};

use crate::{
    failure::Failure,
    notes::note,
    store::{self, Store, with_retries},
};

/// Appends one event, and closes the store. Where it may be stored, and that is not certain, its id is in the failure: whoever appends it
/// again without gets another one.
pub(super) async fn append(store: &Store, id: EventId, batch: AppendBatch) -> Result<Appended, Failure> {
    let mut is_known = true;
    let appended = with_retries(async || {
        let answer = store.append_all(batch.clone()).await;
        let was_known = is_known;
        is_known = is_known_after(&answer, was_known);
        if was_known && !is_known {
            // Now: a signal may end it before there is an answer.
            note(&format!("it is not known whether event {id} is stored, trying again"));
        }
        answer
    })
    .await;
    let closed = store.close().await;
    match appended.and_then(Appended::only).inspect_err(|_| store::note_if_not_closed(&closed)) {
        Ok(appended) => match closed {
            Ok(()) => Ok(appended),
            Err(source) => Err(Failure::NotClosed { id, source }),
        },
        Err(source) if !is_known => Err(Failure::Append { id, source }),
        Err(error) => Err(error.into()),
    }
}

/// Whether it is known by now if the event is stored. A store that only cannot do anything says nothing of what it did before.
fn is_known_after<T>(answer: &StoreResult<T>, was_known: bool) -> bool {
    match answer {
        Ok(_)
        | Err(
            StoreError::WrongExpectedVersion { .. }
            | StoreError::ConditionFailed { .. }
            | StoreError::InvalidInput(_),
        ) => true,
        Err(error) => was_known && error.outcome_is_known(),
    }
}

#[cfg(test)]
#[cfg(feature = "memory")]
mod tests {
    use eventstore_api::{EventType, ExpectedVersion, NewEvent, StreamId, Version, message_with_causes};
    use eventstore_memory::InMemoryBackend;

    use super::*;
    use crate::{
        notes::heard,
        store::erring::{Asked, Erring},
    };

    /// What an append comes to on a store with this fault, and how many events are there then.
    async fn appended(fault: fn(Asked) -> Option<StoreError>) -> (EventId, Result<Appended, Failure>, usize) {
        let (id, answer, there, _) = appended_with_notes(fault).await;
        (id, answer, there)
    }

    /// The same, and what is told meanwhile.
    async fn appended_with_notes(
        fault: fn(Asked) -> Option<StoreError>,
    ) -> (EventId, Result<Appended, Failure>, usize, Vec<String>) {
        heard::take();
        let inner = InMemoryBackend::new();
        let store: Store = Erring::new(inner.clone(), fault);
        let event = NewEvent::new(EventType::new("T").unwrap(), "1");
        let id = event.id;
        let batch = AppendBatch::single(StreamId::new("s").unwrap(), ExpectedVersion::NoStream, vec![event]);
        let answer = append(&store, id, batch).await;
        (id, answer, inner.get_all_events().await.unwrap().len(), heard::take())
    }

    #[tokio::test(start_paused = true)]
    async fn where_an_answer_is_lost_the_same_event_is_appended_again() {
        let (_, answer, there) = appended(|asked| match asked {
            Asked::Append(0) => Some(StoreError::outcome_unknown("the line went dead")),
            _ => None,
        })
        .await;
        assert_eq!((answer.unwrap().last_version, there), (Version::new(1), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_id_is_told_once_before_an_event_is_appended_again() {
        let (id, answer, _, notes) = appended_with_notes(|asked| match asked {
            Asked::Append(0) => Some(StoreError::unavailable("the server restarts")),
            Asked::Append(1 | 2) => Some(StoreError::outcome_unknown("the line went dead")),
            _ => None,
        })
        .await;
        answer.unwrap();
        assert_eq!(notes, [format!("note: it is not known whether event {id} is stored, trying again")]);
    }

    #[tokio::test]
    async fn an_event_that_is_stored_at_once_is_told_alone() {
        let (_, answer, _, notes) = appended_with_notes(|_| None).await;
        answer.unwrap();
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_of_which_it_is_not_known_whether_it_is_stored_is_named() {
        let (id, answer, _) = appended(|asked| match asked {
            Asked::Append(0) => Some(StoreError::outcome_unknown("the line went dead")),
            // Of the first time it knows nothing.
            Asked::Append(_) => Some(StoreError::Closed),
            _ => None,
        })
        .await;
        let failure = answer.unwrap_err();
        assert!(matches!(failure, Failure::Append { id: told, .. } if told == id));
        assert_eq!(
            message_with_causes(&failure),
            format!("it is not known whether event {id} is stored: the store is closed; open it again")
        );
    }

    #[tokio::test]
    async fn an_event_whose_store_cannot_be_closed_is_named() {
        let (id, answer, there) = appended(|asked| match asked {
            Asked::Close => Some(StoreError::storage("no space left on device")),
            _ => None,
        })
        .await;
        assert_eq!(
            (message_with_causes(&answer.unwrap_err()), there),
            (
                format!(
                    "event {id} is appended, and its store could not be closed: the storage failed: no space left on device"
                ),
                1
            )
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_store_has_refused_is_not_stored() {
        let (_, answer, _) = appended(|asked| match asked {
            Asked::Append(0) => Some(StoreError::outcome_unknown("the line went dead")),
            Asked::Append(_) => Some(StoreError::WrongExpectedVersion {
                stream: StreamId::new("s").unwrap(),
                expected: ExpectedVersion::NoStream,
                actual: Version::new(1),
            }),
            _ => None,
        })
        .await;
        assert!(matches!(answer, Err(Failure::Store(StoreError::WrongExpectedVersion { .. }))));
    }
}
