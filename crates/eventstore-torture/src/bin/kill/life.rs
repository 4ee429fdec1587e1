//! One process that appends, from its start to its end by SIGKILL.

use std::{
    env, hint,
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
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
    see_through(&mut command(life).map_err(|error| error.to_string())?, moment, life)
}

fn see_through(command: &mut Command, moment: Moment, life: &Write) -> Result<Said, String> {
    let child = command.spawn();
    let mut child = child.map_err(|error| format!("no process could be started: {error}"))?;
    let Some(output) = child.stdout.take() else { return Err("the process has no output".to_owned()) };
    let heard = listen(&mut child, output, moment, life);
    // After an error too: nothing is left behind.
    let _ = child.kill();
    let status = child.wait().map_err(|error| error.to_string())?;
    let said = heard.map_err(|error| error.to_string())?;
    if !said.shows(moment.after) || !was_killed(status) {
        return Err(format!("the process ended by itself ({status}); what it said stands above"));
    }
    Ok(said)
}

/// Whether that was its end. To kill one that has just ended by itself goes well too, as long as nobody has asked how it ended.
#[cfg(unix)]
fn was_killed(status: ExitStatus) -> bool {
    const SIGKILL: i32 = 9;
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(SIGKILL)
}

/// Elsewhere one that was killed ends as any other.
#[cfg(not(unix))]
fn was_killed(_: ExitStatus) -> bool {
    true
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

fn command(life: &Write) -> std::io::Result<Command> {
    let Write { store, directory, seed, life, tasks, segment_bytes } = life;
    let mut command = Command::new(env::current_exe()?);
    command.args(["write", "--store", store.name()]).arg("--directory").arg(directory);
    command.args([format!("--seed={seed}"), format!("--life={life}")]);
    command.args([format!("--tasks={tasks}"), format!("--segment-bytes={segment_bytes}")]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(command)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::stores::Which;

    /// What comes to an end that this shell program makes, killed as soon as it has said that it opens the store.
    fn ended(program: &str) -> Result<Said, String> {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", program]).current_dir(&directory);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let directory = directory.path().to_owned();
        let life = Write { store: Which::Wal, directory, seed: 0, life: 0, tasks: 1, segment_bytes: 0 };
        see_through(&mut command, Moment { after: Sign::Opening, delay: Duration::ZERO }, &life)
    }

    #[test]
    fn a_process_that_is_killed_at_its_moment_is_well() {
        assert!(ended("echo opening; exec tail -f /dev/null").unwrap().opening);
    }

    /// Its output goes on after it: so it has ended when it is killed, and nobody has noticed.
    #[test]
    fn a_process_that_ends_by_itself_in_the_moment_of_the_kill_is_found() {
        let told = ended("mkfifo lives; { cat lives; echo opening; } & exec 3> lives; exit 7").unwrap_err();
        assert!(told.contains("ended by itself (exit status: 7)"), "{told}");
    }

    #[test]
    fn a_process_that_ends_before_its_moment_is_found() {
        let told = ended("exit 7").unwrap_err();
        assert!(told.contains("ended by itself"), "{told}");
    }
}
