#![doc = include_str!("../README.md")]

pub mod chance;
pub mod clock;
pub mod crash;
pub mod damage;
pub mod events;
pub mod exhaustive;
pub mod faults;
pub mod fuzz;
pub mod history;
pub mod hunt;
pub mod model;
pub mod reading;
pub mod run;
pub mod tally;
pub mod violation;
pub mod workload;
