//! Random operations on a backend and on the model, which must agree after each.

pub mod cases;
mod explorer;
mod operation;
mod strategy;
