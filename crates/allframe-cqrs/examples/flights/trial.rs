//! The program tried within this process, on rows made for it.

use std::io::Write;

use clap::Parser;
use tempfile::NamedTempFile;

use crate::program::{arguments::Arguments, run};

pub(crate) const HEADER: &str = "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,\
                      flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour";
pub(crate) const ARRIVED: &str =
    "2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z";
pub(crate) const CANCELLED: &str =
    "2013,1,1,NA,1630,NA,NA,1815,NA,EV,4308,N18120,EWR,RDU,NA,416,16,30,2013-01-01T21:00:00Z";
pub(crate) const DIVERTED: &str =
    "2013,1,1,1525,1530,-5,1934,1805,NA,MQ,4525,N719MQ,LGA,XNA,NA,1147,15,30,2013-01-01T20:00:00Z";

pub(crate) fn file(lines: &[&str]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    for line in lines {
        writeln!(file, "{line}").unwrap();
    }
    file
}

/// What the program prints on standard output and on standard error when it keeps its events in this store.
pub(crate) async fn flights_in<'a>(
    store: &'a str,
    arguments: impl IntoIterator<Item = &'a str>,
) -> anyhow::Result<(String, String)> {
    let arguments = Arguments::try_parse_from(["flights", "--store", store].into_iter().chain(arguments))?;
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    run(arguments, &mut output, &mut errors).await?;
    Ok((String::from_utf8(output)?, String::from_utf8(errors)?))
}
