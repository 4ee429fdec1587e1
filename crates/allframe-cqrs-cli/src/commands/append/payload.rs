use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::{commands::import::LONGEST_LINE, failure::Failure, jsonl::json_text};

/// JSON as it is stored: without white space between its parts, as import stores it.
pub(super) fn payload(data: Option<&str>, file: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let (from, bytes) = match (data, file) {
        (Some(data), _) => ("--data".to_owned(), data.as_bytes().to_vec()),
        (None, Some(file)) if file == Path::new("-") => {
            let name = "standard input".to_owned();
            let bytes = beginning(io::stdin());
            let bytes = bytes.map_err(|source| Failure::Read { what: name.clone(), source })?;
            (name, bytes)
        }
        (None, Some(file)) => {
            let name = file.display().to_string();
            let bytes = File::open(file).and_then(beginning);
            let bytes = bytes.map_err(|error| Failure::open(name.clone(), error))?;
            (name, bytes)
        }
        (None, None) => ("the payload".to_owned(), b"{}".to_vec()),
    };
    if bytes.len() > LONGEST_LINE {
        return Err(Failure::Usage(format!("{from} is longer than {LONGEST_LINE} bytes")));
    }
    match json_text::parse(&bytes) {
        Some(json) => Ok(json_text::compact(json).into_bytes()),
        None => Err(Failure::Usage(format!(
            "{from} is no JSON; a text stands in double quotes, and a payload that is no JSON is taken by import, as data_base64"
        ))),
    }
}

/// All of it, or as much as tells that it is too long: what is read may have no end.
fn beginning(input: impl Read) -> io::Result<Vec<u8>> {
    const LIMIT: u64 = LONGEST_LINE as u64 + 1;
    let mut bytes = Vec::new();
    input.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}
