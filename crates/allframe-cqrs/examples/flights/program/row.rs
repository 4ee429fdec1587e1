use allframe_cqrs::StreamId;
use anyhow::{Context, Result};

use super::{
    fields::{Fields, airport, carrier, clock_time, minutes, text, time_hour, whole_number},
    flight::{
        ArriveFlight, CancelFlight, ClockTime, DepartFlight, DivertFlight, FlightCommand, Route,
        ScheduleFlight,
    },
};

/// What a row says of its flight.
#[derive(Debug)]
pub(crate) struct Row {
    dep_time: Option<ClockTime>,
    sched_dep_time: ClockTime,
    dep_delay: Option<i32>,
    arr_time: Option<ClockTime>,
    sched_arr_time: ClockTime,
    arr_delay: Option<i32>,
    carrier: String,
    flight: u32,
    tailnum: Option<String>,
    origin: String,
    dest: String,
    air_time: Option<u32>,
    distance: u32,
    time_hour: String,
}

impl Row {
    /// Fails if a field makes no sense, and says in which column.
    pub(crate) fn new(fields: &Fields<'_>) -> Result<Self> {
        Ok(Self {
            dep_time: fields.optional("dep_time", clock_time)?,
            sched_dep_time: fields.required("sched_dep_time", clock_time)?,
            dep_delay: fields.optional("dep_delay", minutes)?,
            arr_time: fields.optional("arr_time", clock_time)?,
            sched_arr_time: fields.required("sched_arr_time", clock_time)?,
            arr_delay: fields.optional("arr_delay", minutes)?,
            carrier: fields.required("carrier", carrier)?,
            flight: fields.required("flight", whole_number)?,
            tailnum: fields.optional("tailnum", text)?,
            origin: fields.required("origin", airport)?,
            dest: fields.required("dest", airport)?,
            air_time: fields.optional("air_time", whole_number)?,
            distance: fields.required("distance", whole_number)?,
            time_hour: fields.required("time_hour", time_hour)?,
        })
    }

    /// The flight's stream: hour, airline and number are the key of the data set. The airline's code holds no `-`, so
    /// that no two keys make one name.
    pub(crate) fn stream(&self) -> Result<StreamId> {
        Ok(StreamId::new(format!("flight-{}-{}-{}", self.time_hour, self.carrier, self.flight))?)
    }

    /// What the row tells of the flight, in order.
    pub(crate) fn commands(self) -> Result<Vec<FlightCommand>> {
        let mut commands = Vec::with_capacity(3);
        let departed = self.dep_time.is_some();
        commands.push(FlightCommand::Schedule(ScheduleFlight {
            route: Route {
                carrier: self.carrier,
                number: self.flight,
                origin: self.origin,
                destination: self.dest,
            },
            tail_number: self.tailnum,
            hour: self.time_hour,
            departure: self.sched_dep_time,
            arrival: self.sched_arr_time,
            distance_miles: self.distance,
        }));
        commands.push(match self.dep_time {
            None => FlightCommand::Cancel(CancelFlight),
            Some(at) => {
                let delay_minutes =
                    self.dep_delay.context("it departed, but column `dep_delay` has no value")?;
                FlightCommand::Depart(DepartFlight { at, delay_minutes })
            }
        });
        match self.arr_delay {
            Some(delay_minutes) => commands.push(FlightCommand::Arrive(ArriveFlight {
                at: self.arr_time,
                delay_minutes,
                air_minutes: self.air_time,
            })),
            None if departed => commands.push(FlightCommand::Divert(DivertFlight)),
            None => {}
        }
        Ok(commands)
    }
}
