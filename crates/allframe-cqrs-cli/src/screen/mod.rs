//! What people look at: text, tables, and drawings in characters.

mod blocks;
mod colours;
mod histogram;
mod plot;
mod span;
mod table;
mod text;
mod time_line;
mod width;

pub(crate) use self::{
    colours::Colours,
    histogram::histogram,
    plot::plot,
    span::Span,
    table::{Column, Table},
    text::{capped, count, payload_lines, pretty, preview, printable, printable_json},
    time_line::time_line,
    width::width,
};
