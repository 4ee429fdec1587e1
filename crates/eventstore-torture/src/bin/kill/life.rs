//! One process that appends, from its start to its end by SIGKILL.

use std::{
    env, hint,
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use eventstore_torture::chance::Chance;

use crate::{
    arguments::Write,
    half_written,
    writer::{ACKNOWLEDGED, LARGE, OPEN, OPENING},
};

/// When a process is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    after: Sign,
    /// So much later than the sign.
    delay: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Sign {
    Opening,
    Large,
    Acknowledgements(usize),
}

impl Moment {
    /// While it appends. A kill tears only what takes long to write, so that is what one in three waits for.
    pub(crate) fn while_it_appends(chance: &mut Chance) -> Self {
        if chance.one_in(3) {
            Self { after: Sign::Large, delay: up_to(chance, 300) }
        } else {
            Self { after: Sign::Acknowledgements(chance.below(250)), delay: up_to(chance, 4_000) }
        }
    }

    /// While it recovers what the one before left.
    pub(crate) fn while_it_recovers(chance: &mut Chance) -> Self {
        Self { after: Sign::Opening, delay: up_to(chance, 4_000) }
    }
}

fn up_to(chance: &mut Chance, microseconds: usize) -> Duration {
    Duration::from_micros(chance.below(microseconds) as u64)
}

/// What a process said before its end.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) opened: bool,
    /// The rest of each line that told of an acknowledgement.
    pub(crate) acknowledged: Vec<String>,
    larges: usize,
    opening: bool,
}

impl Said {
    fn note(&mut self, line: &str) {
        match line.split_once(' ') {
            Some((ACKNOWLEDGED, rest)) => self.acknowledged.push(rest.to_owned()),
            _ if line == OPENING => self.opening = true,
            _ if line == OPEN => self.opened = true,
            _ if line == LARGE => self.larges += 1,
            _ => {}
        }
    }

    fn shows(&self, sign: Sign) -> bool {
        match sign {
            Sign::Opening => self.opening,
            Sign::Large => self.larges > 0,
            Sign::Acknowledgements(count) => self.opened && self.acknowledged.len() >= count,
        }
    }
}

/// Starts a process and kills it at this moment. Fails when it ends before.
pub(crate) fn live(life: &Write, moment: Moment) -> Result<Said, String> {
    let mut child = start(life).map_err(|error| format!("no process could be started: {error}"))?;
    let Some(output) = child.stdout.take() else { return Err("the process has no output".to_owned()) };
    let heard = listen(&mut child, output, moment, life);
    // After an error too: nothing is left behind.
    let _ = child.kill();
    let status = child.wait().map_err(|error| error.to_string())?;
    let said = heard.map_err(|error| error.to_string())?;
    if !said.shows(moment.after) {
        return Err(format!("the process ended by itself ({status}); what it said stands above"));
    }
    Ok(said)
}

fn listen(child: &mut Child, output: ChildStdout, moment: Moment, life: &Write) -> std::io::Result<Said> {
    let log_ending = life.store.store().map_err(std::io::Error::other)?.log_ending();
    let mut said = Said::default();
    let mut output = BufReader::new(output);
    let mut line = String::new();
    let mut killed = false;
    loop {
        if !killed && said.shows(moment.after) {
            if let Sign::Large = moment.after {
                half_written::await_it(&life.directory, log_ending)?;
            }
            let begun = Instant::now();
            // To sleep takes longer than it takes to write what is to be torn.
            while begun.elapsed() < moment.delay {
                hint::spin_loop();
            }
            child.kill()?;
            killed = true;
        }
        line.clear();
        if output.read_line(&mut line)? == 0 {
            return Ok(said);
        }
        // What it had begun to say when it was killed has no end, and counts as not said.
        if let Some(line) = line.strip_suffix('\n') {
            said.note(line);
        }
    }
}

fn start(life: &Write) -> std::io::Result<Child> {
    let Write { store, directory, seed, life, tasks, segment_bytes } = life;
    Command::new(env::current_exe()?)
        .args(["write", "--store", store.name()])
        .arg("--directory")
        .arg(directory)
        .args([format!("--seed={seed}"), format!("--life={life}")])
        .args([format!("--tasks={tasks}"), format!("--segment-bytes={segment_bytes}")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
}
