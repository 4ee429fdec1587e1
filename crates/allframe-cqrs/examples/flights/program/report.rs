use std::{collections::HashMap, fmt, io::Write};

use anyhow::Result;
use serde::Serialize;

use super::{
    ReadModels,
    airport_board::{AirportBoard, AirportTraffic, BusiestAirports, busiest_airports},
    arguments::Arguments,
    punctuality::{AirlineRecord, AirlinesByPunctuality, Punctuality, airlines_by_punctuality},
    tally::Tally,
};

const AIRLINES: &str = include_str!("../data/airlines.csv");

/// What the program tells in the end.
pub(crate) struct Report {
    tally: Tally,
    rejected_rows: u64,
    airports: Vec<(String, AirportTraffic)>,
    airlines: Vec<(String, AirlineRecord)>,
}

impl Report {
    pub(crate) async fn of(read_models: &ReadModels, rejected_rows: u64) -> Result<Self> {
        let board = read_models.get::<AirportBoard>().await?;
        let punctuality = read_models.get::<Punctuality>().await?;
        Ok(Self {
            tally: *read_models.get::<Tally>().await?,
            rejected_rows,
            airports: busiest_airports(BusiestAirports { limit: 8 }, &board),
            airlines: airlines_by_punctuality(AirlinesByPunctuality, &punctuality),
        })
    }

    pub(crate) fn print(&self, arguments: &Arguments, output: &mut dyn Write) -> Result<()> {
        if arguments.json {
            writeln!(output, "{}", serde_json::to_string(&self.counts())?)?;
        } else {
            writeln!(output, "{self}")?;
        }
        Ok(())
    }

    /// The airlines, the most punctual first.
    #[cfg(test)]
    pub(crate) fn airlines(&self) -> &[(String, AirlineRecord)] {
        &self.airlines
    }

    /// The counts.
    pub(crate) fn counts(&self) -> Counts {
        let Tally { scheduled, cancelled, departed, arrived, diverted } = self.tally;
        let (events, streams, rejected_rows) = (self.tally.events(), scheduled, self.rejected_rows);
        Counts { scheduled, cancelled, departed, arrived, diverted, events, streams, rejected_rows }
    }
}

/// The counts, in the order in which `--json` prints them.
#[derive(Serialize)]
pub(crate) struct Counts {
    scheduled: u64,
    cancelled: u64,
    departed: u64,
    arrived: u64,
    diverted: u64,
    events: u64,
    streams: u64,
    rejected_rows: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { scheduled, cancelled, departed, arrived, diverted } = self.tally;
        writeln!(
            f,
            "{} events of {scheduled} flights; {} rows rejected",
            self.tally.events(),
            self.rejected_rows
        )?;
        writeln!(
            f,
            "{scheduled} scheduled, {cancelled} cancelled, {departed} departed, {arrived} arrived, {diverted} diverted"
        )?;
        self.write_airports(f)?;
        self.write_airlines(f)
    }
}

impl Report {
    fn write_airports(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<36} {:>8} {:>9} {:>8} {:>8} {:>11}",
            "busiest airports", "departed", "cancelled", "arrived", "diverted", "mean delay"
        )?;
        for (airport, traffic) in &self.airports {
            let AirportTraffic { departed, cancelled, arrived, diverted, .. } = traffic;
            let delay = minutes(traffic.mean_departure_delay());
            writeln!(f, "{airport:<36} {departed:>8} {cancelled:>9} {arrived:>8} {diverted:>8} {delay:>11}")?;
        }
        Ok(())
    }

    fn write_airlines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = airline_names();
        writeln!(
            f,
            "\n{:<36} {:>8} {:>9} {:>8} {:>8} {:>11}",
            "most punctual airlines", "flights", "cancelled", "arrived", "on time", "mean delay"
        )?;
        for (carrier, record) in &self.airlines {
            let AirlineRecord { scheduled, cancelled, arrived, .. } = record;
            let name = names.get(carrier.as_str()).copied().unwrap_or_default();
            let label = format!("{carrier}  {name}");
            let on_time = format!("{:.1} %", record.on_time_share() * 100.0);
            let delay = minutes(record.mean_arrival_delay());
            writeln!(f, "{label:<36} {scheduled:>8} {cancelled:>9} {arrived:>8} {on_time:>8} {delay:>11}")?;
        }
        Ok(())
    }
}

fn minutes(mean: Option<f64>) -> String {
    mean.map_or_else(|| "-".to_owned(), |mean| format!("{mean:.1} min"))
}

fn airline_names() -> HashMap<&'static str, &'static str> {
    AIRLINES.lines().skip(1).filter_map(|line| line.split_once(',')).collect()
}
