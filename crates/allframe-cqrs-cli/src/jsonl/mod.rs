//! An event as a line of JSON.

pub(crate) mod base64;
mod content;
pub(crate) mod json_text;
#[cfg(test)]
mod laws;
mod read;
mod rfc3339;
mod write;

pub(crate) use content::Content;
pub(crate) use read::event_of;
pub(crate) use rfc3339::Rfc3339;
pub(crate) use write::line_of;
