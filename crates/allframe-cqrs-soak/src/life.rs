//! One life of the bank, from its start to SIGKILL.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail};

use crate::{arguments::Live, ledger::Ledger, said::Said};

/// When it is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// So long after its start, which may be while it still recovers.
    AfterStart(Duration),
    /// So long after it has the store.
    AfterOpening(Duration),
}

impl Moment {
    pub(crate) fn choose(chance: &mut fastrand::Rng) -> Self {
        match chance.u8(0..6) {
            0 => Self::AfterStart(Duration::from_micros(chance.u64(..40_000))),
            1 => Self::AfterOpening(Duration::from_micros(chance.u64(..100_000))),
            _ => Self::AfterOpening(Duration::from_micros(chance.u64(..5_000_000))),
        }
    }
}

/// Whether it had come so far that it had the store.
pub(crate) fn live(life: &Live, moment: Moment, ledger: &mut Ledger) -> anyhow::Result<bool> {
    see_through(&mut command(life)?, moment, ledger)
}

fn see_through(command: &mut Command, moment: Moment, ledger: &mut Ledger) -> anyhow::Result<bool> {
    let mut child = command.spawn().context("starting the bank")?;
    let heard = hear_out(&mut child, moment, ledger);
    // After an error too: nothing is left behind.
    let _ = child.kill();
    let status = child.wait()?;
    let End { killed, has_opened } = heard?;
    if !killed || !was_killed(status) {
        bail!("the bank ended by itself ({status}): what it said stands above");
    }
    if !has_opened && matches!(moment, Moment::AfterOpening(_)) {
        bail!("the store was not open after {} s", NEVER.as_secs());
    }
    Ok(has_opened)
}

/// Whether that was its end. To kill one that has just ended by itself goes well too, as long as nobody has asked how it ended.
///
/// `eventstore-torture` has the same for itself: with it would come its feature of the log, and the soak is of the log as others have it.
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

/// How it came to its end.
struct End {
    /// Which it may have come to by itself, a moment before.
    killed: bool,
    has_opened: bool,
}

/// Notes what it says until its output ends, and kills it when its moment has come. After an error it may still run.
fn hear_out(child: &mut Child, moment: Moment, ledger: &mut Ledger) -> anyhow::Result<End> {
    let output = child.stdout.take().context("the bank has no output")?;
    let (sender, lines) = mpsc::channel();
    let listener = thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });

    let started = Instant::now();
    let mut heard = Heard { ledger, opened: None };
    let mut killed = false;
    loop {
        let left = match (moment, heard.opened) {
            (Moment::AfterStart(time), _) => time.saturating_sub(started.elapsed()),
            (Moment::AfterOpening(time), Some(opened)) => time.saturating_sub(opened.elapsed()),
            (Moment::AfterOpening(_), None) => NEVER.saturating_sub(started.elapsed()),
        };
        if left.is_zero() && !killed {
            child.kill().context("killing the bank")?;
            killed = true;
        }
        match lines.recv_timeout(if killed { NEVER } else { left }) {
            Ok(line) => heard.hear(&line, killed)?,
            Err(mpsc::RecvTimeoutError::Timeout) if killed => bail!("its output never ended"),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    let has_opened = heard.opened.is_some();
    listener.join().map_err(|_| anyhow!("the listener has panicked"))?;
    Ok(End { killed, has_opened })
}

/// Nothing takes so long.
const NEVER: Duration = Duration::from_secs(120);

struct Heard<'l> {
    ledger: &'l mut Ledger,
    opened: Option<Instant>,
}

impl Heard<'_> {
    fn hear(&mut self, line: &[u8], is_killed: bool) -> anyhow::Result<()> {
        let text = std::str::from_utf8(line).unwrap_or_default();
        match text.parse() {
            Ok(Said::Open) => self.opened = Some(Instant::now()),
            Ok(said) => self.ledger.note(said),
            // What it had begun to say when it was killed.
            Err(()) if is_killed => {}
            Err(()) => bail!("the bank said `{text}`, which nobody understands"),
        }
        Ok(())
    }
}

fn command(life: &Live) -> anyhow::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["live", "--directory"]).arg(&life.directory);
    command.args([format!("--seed={}", life.seed), format!("--life={}", life.life)]);
    command.args(life.repeat.iter().map(|it| format!("--repeat={it}")));
    command.args(life.seen.iter().map(|it| format!("--seen={it}")));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(command)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;

    use super::*;

    /// Its output goes on after it: so it has ended when it is killed, and nobody has noticed.
    #[test]
    fn a_bank_that_ends_by_itself_in_the_moment_of_the_kill_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let mut ends = Command::new("sh");
        ends.args(["-c", "mkfifo lives; { cat lives; echo open; } & exec 3> lives; exit 7"]);
        ends.current_dir(&directory).stdin(Stdio::null()).stdout(Stdio::piped());
        let moment = Moment::AfterOpening(Duration::ZERO);
        let error = see_through(&mut ends, moment, &mut Ledger::default()).unwrap_err();
        assert!(error.to_string().contains("ended by itself (exit status: 7)"), "{error}");
    }

    #[test]
    fn a_bank_that_nobody_understands_is_not_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let mut babbles = Command::new("sh");
        babbles.args(["-c", "echo $$ > process; echo nonsense; exec tail -f /dev/null"]);
        babbles.current_dir(&directory).stdin(Stdio::null()).stdout(Stdio::piped());
        let moment = Moment::AfterStart(NEVER);
        let error = see_through(&mut babbles, moment, &mut Ledger::default()).unwrap_err();
        assert!(error.to_string().contains("nobody understands"), "{error}");

        // One that has ended and was not waited for would still be there.
        let process = fs::read_to_string(directory.path().join("process")).unwrap();
        let process = process.trim();
        let is_there =
            Command::new("sh").args(["-c", &format!("kill -0 {process} 2>/dev/null")]).status().unwrap();
        assert!(!is_there.success(), "{process} is still there");
    }
}
