use std::sync::Arc;

use eventstore_api::{Encoding, EventType, NewEvent, RecordedEvent};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, PayloadCodec, consumer_group::GroupError};

/// The form of all control events that is written here. Kept as their schema version.
const FORM: u32 = 1;

/// An event of a control stream.
pub(in crate::consumer_group) trait ControlEvent:
    Serialize + DeserializeOwned
{
    /// Under which name it is stored. Each begins with `$group.`, as no event of an application should.
    const TYPE: &'static str;
}

pub(in crate::consumer_group) fn to_event<T: ControlEvent>(event: &T) -> Result<NewEvent, GroupError> {
    let payload = PayloadCodec::Json.encode(event).map_err(|source| Error::Encode {
        what: T::TYPE,
        encoding: Encoding::JSON,
        source: source.into(),
    })?;
    Ok(NewEvent::new(EventType::new(T::TYPE)?, payload)
        .with_encoding(Encoding::JSON)
        .with_schema_version(FORM))
}

pub(in crate::consumer_group) fn from_record<T: ControlEvent>(
    record: &RecordedEvent,
) -> Result<T, GroupError> {
    let (stream, version) = (record.stream.clone(), record.version);
    let unreadable = |source| Err(GroupError::Unreadable { stream: stream.clone(), version, source });
    if record.event_type.as_str() != T::TYPE {
        return unreadable(format!("its type is `{}`, not `{}`", record.event_type, T::TYPE).into_source());
    }
    if record.schema_version > FORM {
        return Err(GroupError::NewerForm { stream, version, form: record.schema_version, known: FORM });
    }
    match serde_json::from_slice(&record.payload) {
        Ok(event) => Ok(event),
        Err(error) => unreadable(Arc::new(error)),
    }
}

trait IntoSource {
    fn into_source(self) -> Arc<dyn std::error::Error + Send + Sync>;
}

impl IntoSource for String {
    fn into_source(self) -> Arc<dyn std::error::Error + Send + Sync> {
        Box::<dyn std::error::Error + Send + Sync>::from(self).into()
    }
}
