use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::output::Output;

/// An output that remembers why it could not be written: the library that writes Parquet makes a text of it.
pub(super) struct Remembering {
    output: Output,
    failed: Failed,
}

/// Why something could not be written, the last time.
#[derive(Clone, Default)]
pub(super) struct Failed(Arc<Mutex<Option<io::Error>>>);

impl Remembering {
    pub(super) fn new(output: Output) -> (Self, Failed) {
        let failed = Failed::default();
        (Self { output, failed: failed.clone() }, failed)
    }

    pub(super) fn into_output(self) -> Output {
        self.output
    }
}

impl Failed {
    pub(super) fn take(&self) -> Option<io::Error> {
        self.remembered().take()
    }

    fn noted<T>(&self, written: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &written {
            let same = match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(error.kind(), error.to_string()),
            };
            *self.remembered() = Some(same);
        }
        written
    }

    fn remembered(&self) -> MutexGuard<'_, Option<io::Error>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Remembering {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes);
        self.failed.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = Write::flush(&mut self.output);
        self.failed.noted(flushed)
    }
}
