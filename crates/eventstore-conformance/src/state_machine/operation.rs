use std::fmt;

use eventstore_api::{Criterion, Direction, EventFilter, StreamId};

use crate::events::{event_type, stream, tags};

/// One step of the state machine. Streams, types and tags are numbers, and versions and positions are relative to what the
/// model holds by then, so that a step keeps its sense when others before it are left out.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Append(Plan),
    /// An earlier batch again, as it was, whether it was stored or refused.
    Retry {
        which: usize,
    },
    /// The ids of an earlier batch with other content.
    Reuse {
        which: usize,
    },
    /// An earlier batch with one more event.
    Extend {
        which: usize,
    },
    /// The first events of an earlier batch without the others.
    Shorten {
        which: usize,
    },
    ReadStream {
        stream: usize,
        from: u64,
        limit: Option<usize>,
        max_bytes: usize,
        direction: Direction,
    },
    ReadAll {
        from: usize,
        limit: usize,
        max_bytes: usize,
        direction: Direction,
        filter: Filter,
    },
    SaveSnapshot {
        stream: usize,
        version: u64,
    },
    ReadSnapshot {
        stream: usize,
    },
    Subscribe {
        from: usize,
        filter: Filter,
        page_size: usize,
    },
    Hear {
        which: usize,
        at_most: usize,
    },
    Flush,
    Reopen,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) writes: Vec<Write>,
    pub(crate) guards: Vec<(usize, Guard)>,
    pub(crate) condition: Option<(Filter, usize)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) stream: usize,
    pub(crate) guard: Guard,
    pub(crate) events: Vec<Happening>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Happening {
    pub(crate) event_type: usize,
    /// A set of tags, one bit each.
    pub(crate) tags: u8,
    /// The length of its payload, in numbers of an id.
    pub(crate) length: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Guard {
    Any,
    NoStream,
    StreamExists,
    /// `Exact`, this far from where the stream is.
    Near(i64),
}

/// Criteria, of which one must be met; none is every event.
#[derive(Clone, Debug)]
pub(crate) struct Filter(pub(crate) Vec<Demand>);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    pub(crate) event_type: Option<usize>,
    pub(crate) prefix: Option<usize>,
    pub(crate) tags: u8,
}

const TYPES: [&str; 3] = ["Opened", "Moved", "Closed"];
const TAGS: [&str; 3] = ["a:1", "b:2", "c:3"];
const PREFIXES: [&str; 3] = ["s-", "s-1", "t"];
/// Names of which one begins like another.
const STREAMS: [&str; 4] = ["s-1", "s-10", "s-2", "t"];

pub(crate) fn stream_number(number: usize) -> StreamId {
    stream(STREAMS[number % STREAMS.len()])
}

pub(crate) fn type_name(number: usize) -> &'static str {
    TYPES[number % TYPES.len()]
}

pub(crate) fn tag_names(set: u8) -> Vec<&'static str> {
    TAGS.into_iter().enumerate().filter(|(bit, _)| set & (1 << bit) != 0).map(|(_, tag)| tag).collect()
}

impl Filter {
    pub(crate) fn to_filter(&self) -> EventFilter {
        EventFilter::any_of(self.0.iter().map(|demand| {
            let mut criterion = Criterion::new().tags(tags(&tag_names(demand.tags)));
            if let Some(number) = demand.event_type {
                criterion = criterion.types([event_type(type_name(number))]);
            }
            if let Some(number) = demand.prefix {
                criterion = criterion.stream_prefix(PREFIXES[number % PREFIXES.len()]);
            }
            criterion
        }))
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(plan) => write!(f, "append {plan}"),
            Self::Retry { which } => write!(f, "append batch {which} again (of those so far, in a circle)"),
            Self::Reuse { which } => write!(f, "append other content under the ids of batch {which}"),
            Self::Extend { which } => write!(f, "append batch {which} again, and one event more"),
            Self::Shorten { which } => write!(f, "append batch {which} again without its last event"),
            Self::ReadStream { stream, from, limit, max_bytes, direction } => {
                let stream = stream_number(*stream);
                write!(f, "read {stream} {direction:?} from version {from}, limit {limit:?}")?;
                write!(f, ", in pages of {max_bytes} bytes")
            }
            Self::ReadAll { from, limit, max_bytes, direction, filter } => {
                write!(f, "read all {direction:?} from event {from}, {filter}")?;
                write!(f, ", in pages of {limit} events or {max_bytes} bytes")
            }
            Self::SaveSnapshot { stream, version } => {
                write!(f, "save a snapshot of {} at version {version}", stream_number(*stream))
            }
            Self::ReadSnapshot { stream } => write!(f, "read the snapshot of {}", stream_number(*stream)),
            Self::Subscribe { from, filter, page_size } => {
                write!(f, "subscribe from event {from} in pages of {page_size}, {filter}")
            }
            Self::Hear { which, at_most } => write!(f, "hear {at_most} events of subscription {which}"),
            Self::Flush => f.write_str("flush"),
            Self::Reopen => f.write_str("reopen"),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, write) in self.writes.iter().enumerate() {
            let and = if index == 0 { "" } else { " and " };
            write!(f, "{and}to {} ({}):", stream_number(write.stream), write.guard)?;
            for happening in &write.events {
                write!(f, " {}{:?}", type_name(happening.event_type), tag_names(happening.tags))?;
            }
        }
        for (stream, guard) in &self.guards {
            write!(f, ", guarding {} ({guard})", stream_number(*stream))?;
        }
        match &self.condition {
            Some((filter, after)) => write!(f, ", unless after event {after} there are {filter}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::NoStream => f.write_str("no stream"),
            Self::StreamExists => f.write_str("exists"),
            Self::Near(0) => f.write_str("exactly where it is"),
            Self::Near(off) => write!(f, "exactly where it is, off by {off}"),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("all events");
        }
        for (index, demand) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "events" } else { " or" })?;
            if let Some(number) = demand.event_type {
                write!(f, " of type {}", type_name(number))?;
            }
            if let Some(number) = demand.prefix {
                write!(f, " in {}*", PREFIXES[number % PREFIXES.len()])?;
            }
            write!(f, " with {:?}", tag_names(demand.tags))?;
        }
        Ok(())
    }
}
