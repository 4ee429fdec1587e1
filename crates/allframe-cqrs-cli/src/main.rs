#![doc = include_str!("../README.md")]

mod arguments;
mod commands;
mod exit;
mod failure;
mod interrupted;
mod jsonl;
mod notes;
mod output;
mod page;
mod progress;
mod redacted;
mod screen;
mod store;
mod store_url;
mod unread;
#[cfg(feature = "toolkit")]
mod warnings;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use arguments::Arguments;
use clap::Parser;
use exit::Exit;
use failure::{Failure, Listener};
use redacted::without_passwords;

fn main() -> ExitCode {
    let Arguments { store, command } = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => return tell(&answer).into(),
    };
    #[cfg(feature = "toolkit")]
    warnings::tell();
    let listener = if command.is_for_programs() { Listener::Program } else { Listener::Person };
    let done = runtime().and_then(|runtime| {
        runtime.block_on(async {
            outlive_limits_of_files()?;
            commands::run(store.as_deref(), command).await
        })
    });
    done.unwrap_or_else(|failure| failure.tell(listener)).into()
}

/// What the command line itself is answered with: help, or what it does not understand.
fn tell(answer: &clap::Error) -> Exit {
    let text = answer.render().to_string();
    let shown = without_passwords(&text);
    let told = match shown == text {
        true => answer.print(),
        // Without colours, which are not text.
        false => write!(io::stderr(), "{shown}"),
    };
    match (answer.use_stderr(), told) {
        (true, _) => Exit::NotBegun,
        (false, Ok(())) => Exit::Done,
        // Whoever has seen enough of a help has closed it.
        (false, Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        (false, Err(source)) => {
            Failure::Write { what: "standard output".to_owned(), source }.tell(Listener::Person)
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let build = || {
        room_for_files()?;
        tokio::runtime::Builder::new_current_thread().enable_all().build()
    };
    build().map_err(|source| Failure::System { what: "cannot start", source })
}

/// Whoever writes more than a file may hold (`ulimit -f`) is told so, as where a disk is full; without this, a signal ends the program.
#[cfg(target_os = "linux")]
fn outlive_limits_of_files() -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};

    const SIGXFSZ: i32 = 25;
    // It stays so when this is dropped.
    signal(SignalKind::from_raw(SIGXFSZ))
        .map(drop)
        .map_err(|source| Failure::System { what: "cannot listen to signals", source })
}

#[cfg(not(target_os = "linux"))]
fn outlive_limits_of_files() -> Result<(), Failure> {
    Ok(())
}

/// Where a process may have hardly any files open, the runtime panics instead of saying so.
#[cfg(unix)]
fn room_for_files() -> io::Result<()> {
    use std::os::unix::net::UnixStream;

    let _six = (UnixStream::pair()?, UnixStream::pair()?, UnixStream::pair()?);
    Ok(())
}

#[cfg(not(unix))]
fn room_for_files() -> io::Result<()> {
    Ok(())
}
