//! What is generated of the command line itself.

use std::{fs, io, path::PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use crate::{
    arguments::{Arguments, EXAMPLES},
    exit::Exit,
    failure::Failure,
    output::Output,
};

const NAME: &str = "eventstore";

/// Print what has a shell complete the commands and their options
///
/// For bash: `eventstore completions bash > ~/.local/share/bash-completion/completions/eventstore`. For zsh, a file `_eventstore`
/// in a folder of `$fpath`. For fish: `~/.config/fish/completions/eventstore.fish`.
#[derive(Args)]
pub(crate) struct CompletionsArguments {
    /// Which shell
    shell: Shell,
}

/// Print the man page, or write one for each command into a folder
///
/// `eventstore man | man -l -` shows it.
#[derive(Args)]
pub(crate) struct ManArguments {
    /// The folder, made where there is none: `eventstore.1`, `eventstore-append.1` and so on
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(crate) fn completions(arguments: CompletionsArguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), NAME, &mut script);
    write(Output::stdout(), &script)
}

pub(crate) fn man(arguments: ManArguments) -> Result<(), Failure> {
    // So that the pages of commands are named as they are called.
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let Some(directory) = arguments.directory else { return write(Output::stdout(), &page(command)?) };
    let made = match directory.is_dir() {
        true => Ok(()),
        // It would be said that it exists, and not as what.
        false if directory.exists() => Err(io::ErrorKind::NotADirectory.into()),
        false => fs::create_dir_all(&directory),
    };
    made.map_err(|source: io::Error| Failure::open(format!("the folder {}", directory.display()), source))?;
    let mut pages = vec![command];
    while let Some(command) = pages.pop() {
        pages.extend(command.get_subcommands().filter(|sub| !sub.is_hide_set()).cloned());
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
        let page = page(command)?;
        write(Output::to(&directory.join(format!("{name}.1")))?, &page)?;
    }
    Ok(())
}

/// A man page, with a section of its own for how the program ends: of all commands, since the codes are the same for each.
fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let is_whole = command.get_name() == NAME;
    let (options, commands) =
        (command.get_arguments().any(|argument| !argument.is_hide_set()), command.has_subcommands());
    // What stands below the help has sections of its own here.
    let man = Man::new(if is_whole { command.after_help("") } else { command }).manual("Event stores");
    let mut page = Vec::new();
    let mut render = || {
        man.render_title(&mut page)?;
        man.render_name_section(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        if options {
            man.render_options_section(&mut page)?;
        }
        if commands {
            man.render_subcommands_section(&mut page)?;
        }
        own_sections(is_whole).to_writer(&mut page)
    };
    render().map_err(|source| Failure::Write { what: "the man page".to_owned(), source })?;
    Ok(page)
}

fn own_sections(is_whole: bool) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for exit in Exit::ALL {
        roff.control("TP", []);
        roff.text([bold(exit.code().to_string())]);
        roff.text([roman(exit.meaning())]);
    }
    if is_whole {
        roff.control("SH", ["EXAMPLES"]);
        let (examples, words) = EXAMPLES.split_once("\n\n").unwrap_or((EXAMPLES, ""));
        roff.control("nf", []);
        for line in examples.lines().skip(1) {
            roff.text([roman(line.trim_start())]);
        }
        roff.control("fi", []);
        roff.control("SH", ["NOTES"]);
        roff.text([roman(words)]);
    }
    roff
}

fn write(mut output: Output, bytes: &[u8]) -> Result<(), Failure> {
    output.line(bytes.trim_ascii_end())?;
    output.finish()
}
