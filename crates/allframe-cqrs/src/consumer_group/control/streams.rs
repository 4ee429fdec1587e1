use eventstore_api::{InvalidInput, StreamId};

use crate::consumer_group::GroupError;

/// Longest name of a group, in bytes: with what comes around it, a control stream's name is legal.
const MAX_NAME_BYTES: usize = 256;

/// The names of a group's control streams: `$group-NAME/members`, and so on.
///
/// A name holds no `/`, so that the streams of no group begin as those of another do.
#[derive(Clone, Debug)]
pub(in crate::consumer_group) struct ControlStreams {
    name: String,
    prefix: String,
}

/// What a control stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::consumer_group) enum ControlStream {
    Definition,
    Members,
    Partition(u32),
    Parked(u32),
}

impl ControlStreams {
    pub(in crate::consumer_group) fn of(name: String) -> Result<Self, GroupError> {
        let refuse = |reason| Err(GroupError::InvalidName { name: name.clone(), reason });
        match name.as_str() {
            "" => refuse("it is empty"),
            long if long.len() > MAX_NAME_BYTES => refuse("it has more than 256 bytes"),
            slashed if slashed.contains('/') => refuse("it holds a `/`"),
            control if control.chars().any(char::is_control) => refuse("it holds a control character"),
            _ => Ok(Self { prefix: format!("$group-{name}/"), name }),
        }
    }

    pub(in crate::consumer_group) fn name(&self) -> &str {
        &self.name
    }

    /// What the name of each of the group's streams begins with, and of no other stream.
    pub(in crate::consumer_group) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(in crate::consumer_group) fn id(&self, stream: ControlStream) -> Result<StreamId, InvalidInput> {
        let prefix = &self.prefix;
        StreamId::new(match stream {
            ControlStream::Definition => format!("{prefix}definition"),
            ControlStream::Members => format!("{prefix}members"),
            ControlStream::Partition(number) => format!("{prefix}partition-{number}"),
            ControlStream::Parked(number) => format!("{prefix}parked-{number}"),
        })
    }

    /// Which of the group's streams this is.
    pub(in crate::consumer_group) fn which(&self, stream: &StreamId) -> Option<ControlStream> {
        let rest = stream.as_str().strip_prefix(&self.prefix)?;
        match rest.split_once('-') {
            None if rest == "definition" => Some(ControlStream::Definition),
            None if rest == "members" => Some(ControlStream::Members),
            Some(("partition", number)) => number.parse().ok().map(ControlStream::Partition),
            Some(("parked", number)) => number.parse().ok().map(ControlStream::Parked),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ControlStream, ControlStreams};

    #[test]
    fn every_control_stream_is_known_by_its_name() {
        let streams = ControlStreams::of("mailer".to_owned()).unwrap();
        for stream in [
            ControlStream::Definition,
            ControlStream::Members,
            ControlStream::Partition(7),
            ControlStream::Parked(12),
        ] {
            assert_eq!(streams.which(&streams.id(stream).unwrap()), Some(stream));
        }
        assert_eq!(streams.id(ControlStream::Partition(7)).unwrap().as_str(), "$group-mailer/partition-7");
    }

    #[test]
    fn a_name_that_would_reach_into_another_group_is_refused() {
        for name in ["", "mailer/members", "two\nlines", &"long".repeat(65)] {
            assert!(ControlStreams::of(name.to_owned()).is_err(), "{name}");
        }
        let (short, long) = (ControlStreams::of("a".to_owned()), ControlStreams::of("a-b".to_owned()));
        let of_long = long.unwrap().id(ControlStream::Members).unwrap();
        assert_eq!(short.unwrap().which(&of_long), None);
    }
}
