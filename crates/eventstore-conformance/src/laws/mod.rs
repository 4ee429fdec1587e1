//! The cases: one file for each law, one function for each case.

pub mod law_01_all_or_nothing;
