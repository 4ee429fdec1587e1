//! Two things that may both go wrong, where one error can be returned.

use anyhow::Result;

/// The first error of the two. Where there is a second one, the log has it: nobody would know of it otherwise.
pub(crate) fn first_error(first: Result<()>, second: Result<()>) -> Result<()> {
    if let (Err(_), Err(error)) = (&first, &second) {
        tracing::error!(error = format!("{error:#}"), "and this went wrong too");
    }
    first.and(second)
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use anyhow::anyhow;
    use tempfile::NamedTempFile;

    use super::*;

    /// What is returned, and what the log has.
    fn told(first: Result<()>, second: Result<()>) -> (String, String) {
        let log = NamedTempFile::new().unwrap();
        let writer = Arc::new(log.reopen().unwrap());
        let subscriber = tracing_subscriber::fmt().json().with_writer(writer).finish();
        let outcome = tracing::subscriber::with_default(subscriber, || first_error(first, second));
        let returned = outcome.map_or_else(|error| format!("{error:#}"), |()| "well".to_owned());
        (returned, fs::read_to_string(log.path()).unwrap())
    }

    #[test]
    fn the_second_of_two_errors_is_in_the_log() {
        let second = anyhow!("the disk is full").context("closing the store");
        let (returned, log) = told(Err(anyhow!("the server failed")), Err(second));
        assert_eq!(returned, "the server failed");
        assert!(log.contains("ERROR") && log.contains("closing the store: the disk is full"), "{log}");
    }

    #[test]
    fn an_error_alone_is_returned_and_not_told_twice() {
        let alone = ("one".to_owned(), String::new());
        assert_eq!(told(Err(anyhow!("one")), Ok(())), alone);
        assert_eq!(told(Ok(()), Err(anyhow!("one"))), alone);
        assert_eq!(told(Ok(()), Ok(())), ("well".to_owned(), String::new()));
    }
}
