use std::{borrow::Cow, sync::Arc};

use crate::{
    InvalidInput,
    error::Field,
    limits::MAX_STREAM_ID_BYTES,
    text::{Text, check_name, text_newtype},
};

/// The name of a stream: all events of one aggregate.
///
/// One to [`MAX_STREAM_ID_BYTES`] bytes of UTF-8 without control characters. Cloning one copies no text.
///
/// ```
/// use eventstore_api::StreamId;
///
/// let stream = StreamId::new("flight-UA1545")?;
/// assert_eq!(stream.as_str(), "flight-UA1545");
/// assert_eq!(stream.category(), "flight");
///
/// assert!(StreamId::new("").is_err());
/// assert!(StreamId::new("two\nlines").is_err());
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(Text);

text_newtype!(StreamId);

impl StreamId {
    /// Names a stream.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when the name is empty, longer than [`MAX_STREAM_ID_BYTES`], or holds a control character.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Result<Self, InvalidInput> {
        let name = name.into();
        Self::check(&name)?;
        Ok(Self(name.into()))
    }

    fn check(name: &str) -> Result<(), InvalidInput> {
        check_name(Field::StreamId, name, MAX_STREAM_ID_BYTES)
    }

    /// The kind of stream: what stands before the first `-`, or the whole name where there is none.
    #[must_use]
    pub fn category(&self) -> &str {
        self.as_str().split_once('-').map_or(self.as_str(), |(category, _)| category)
    }
}

/// What can name a stream in a call: a [`StreamId`], or a string that is checked on the way in.
///
/// ```
/// use eventstore_api::{IntoStreamId, InvalidInput, StreamId};
///
/// fn open(stream: impl IntoStreamId) -> Result<StreamId, InvalidInput> {
///     stream.into_stream_id()
/// }
///
/// let id = String::from("account-7");
/// assert_eq!(open(&id)?, open("account-7")?);
/// for id in ["account-7", "account-8"].iter() {
///     open(id)?;
/// }
/// assert!(open("").is_err());
/// # Ok::<(), InvalidInput>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a stream",
    label = "names no stream",
    note = "a stream is named by a text, as a `&str` or a `String`, or by a `StreamId`"
)]
pub trait IntoStreamId {
    /// The stream id.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when the text is no legal stream id.
    fn into_stream_id(self) -> Result<StreamId, InvalidInput>;
}

impl IntoStreamId for StreamId {
    fn into_stream_id(self) -> Result<StreamId, InvalidInput> {
        Ok(self)
    }
}

impl IntoStreamId for &StreamId {
    fn into_stream_id(self) -> Result<StreamId, InvalidInput> {
        Ok(self.clone())
    }
}

impl IntoStreamId for String {
    fn into_stream_id(self) -> Result<StreamId, InvalidInput> {
        StreamId::new(self)
    }
}

macro_rules! from_text {
    ($($text:ty),* $(,)?) => {
        $(impl IntoStreamId for $text {
            fn into_stream_id(self) -> Result<StreamId, InvalidInput> {
                let name: &str = self.as_ref();
                StreamId::try_from(name)
            }
        })*
    };
}

// Everything that a parameter of type `&str` would take.
from_text!(
    &str,
    &&str,
    &String,
    &&String,
    &Box<str>,
    &Arc<str>,
    &Cow<'_, str>,
    Box<str>,
    Arc<str>,
    Cow<'_, str>
);
