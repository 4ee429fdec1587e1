use std::{collections::HashSet, sync::Arc};

use allframe_cqrs::{EventStoreBackend, ExecuteError, Repository, StreamId};
use anyhow::{Context, Error, Result};
use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, ready},
    stream::FuturesOrdered,
};

use super::{
    csv_rows::Line,
    flight::{Flight, FlightCommand},
};

pub(crate) type Flights = Repository<Flight, Arc<dyn EventStoreBackend>>;

/// Rows on their way into the store, several at a time, because a durable store syncs together what is appended together.
///
/// Rows of one flight go one after the other, as they stand in the file: by the first its fate is decided, and the others
/// are held against that. Were they left to the conflicts between them, chance would decide which is the first.
pub(crate) struct RowsInFlight<'f> {
    flights: &'f Flights,
    answers: FuturesOrdered<BoxFuture<'f, Answer>>,
    streams: HashSet<StreamId>,
}

/// A row on the way.
pub(crate) struct Row {
    number: u64,
    told: Result<(StreamId, Vec<FlightCommand>)>,
}

/// What became of a row.
pub(crate) struct Answer {
    /// The line that it stands on.
    pub(crate) number: u64,
    /// Fails if the store does; a row that makes no sense is `Rejected`.
    pub(crate) outcome: Result<Result<(), Rejected>>,
    stream: Option<StreamId>,
}

/// Why a row was not taken: the import goes on with the next.
pub(crate) struct Rejected(pub(crate) Error);

const MAX_IN_FLIGHT: usize = 64;

impl From<Line> for Row {
    fn from(line: Line) -> Self {
        let told = line.row.and_then(|row| Ok((row.stream()?, row.commands()?)));
        Self { number: line.number, told }
    }
}

impl<'f> RowsInFlight<'f> {
    pub(crate) fn into(flights: &'f Flights) -> Self {
        Self { flights, answers: FuturesOrdered::new(), streams: HashSet::new() }
    }

    /// Whether this row can start now, or has to wait for an answer first.
    pub(crate) fn has_room_for(&self, row: &Row) -> bool {
        let waits_for_its_flight = row.told.as_ref().is_ok_and(|(stream, _)| self.streams.contains(stream));
        self.answers.len() < MAX_IN_FLIGHT && !waits_for_its_flight
    }

    pub(crate) fn start(&mut self, row: Row) {
        let number = row.number;
        let answer = match row.told {
            Err(error) => ready(Answer { number, outcome: Ok(Err(Rejected(error))), stream: None }).boxed(),
            Ok((stream, commands)) => {
                self.streams.insert(stream.clone());
                record(self.flights, number, stream, commands).boxed()
            }
        };
        self.answers.push_back(answer);
    }

    /// The next answer, in the order of the rows; `None` when no row is on its way.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        let answer = self.answers.next().await?;
        if let Some(stream) = &answer.stream {
            self.streams.remove(stream);
        }
        Some(answer)
    }
}

async fn record(flights: &Flights, number: u64, stream: StreamId, commands: Vec<FlightCommand>) -> Answer {
    let outcome = match flights.execute(&stream, |flight| flight.record(&commands)).await {
        Ok(_) => Ok(Ok(())),
        Err(ExecuteError::Rejected(reason)) => Ok(Err(Rejected(reason.into()))),
        Err(ExecuteError::Failed(error)) => Err(error).context("the store failed"),
    };
    Answer { number, outcome, stream: Some(stream) }
}
