//! Runs that have not ended.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A run that has not ended. It ends when this is dropped: a test that fails leaves nothing running.
pub(crate) struct Running {
    child: Child,
    /// None where nobody reads it, or somebody else does.
    stdout: Option<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        Self::of(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    /// One of which nobody sees what it prints.
    pub(crate) fn start_unread(mut command: Command) -> Self {
        Self::of(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn of(mut child: Child) -> Self {
        let stdout = child.stdout.take().map(BufReader::new);
        Self { child, stdout }
    }

    /// Gives it something to read.
    pub(crate) fn write(&mut self, input: &str) {
        self.child.stdin.as_mut().unwrap().write_all(input.as_bytes()).unwrap();
    }

    /// The next line that it prints, without its end; waits for it. `None` at the end.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.stdout.as_mut()?.read_line(&mut line).unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// All lines that it prints from now on, for somebody else.
    pub(crate) fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        self.stdout.take().unwrap().lines().map(Result::unwrap)
    }

    /// What it says on standard error, which has to be a pipe, line by line and as it comes.
    pub(crate) fn notes(&mut self) -> impl Iterator<Item = String> + use<> {
        BufReader::new(self.child.stderr.take().unwrap()).lines().map(Result::unwrap)
    }

    /// Sends it a signal, `-INT` or another one.
    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// How it has ended, if it has.
    pub(crate) fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// How it ends, which it does before long.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let mut ended = None;
        until(|| {
            ended = self.status();
            ended.is_some()
        });
        ended.unwrap()
    }

    /// Ends it as `kill -9` does, and returns the lines that it had printed before.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.line()).collect()
    }

    /// Asks it to end, as Ctrl-C does, and returns how it ended and what it had printed.
    pub(crate) fn interrupt(mut self) -> (Option<i32>, Vec<String>) {
        self.signal("-INT");
        let lines = std::iter::from_fn(|| self.line()).collect();
        (self.child.wait().unwrap().code(), lines)
    }

    /// Closes its input, and waits for its end.
    pub(crate) fn finish(mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        while self.line().is_some() {}
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so, and not for ever.
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it did not come to it");
        thread::yield_now();
    }
}
