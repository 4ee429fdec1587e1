//! One life of the bank, from its start to SIGKILL.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
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
    let mut child = command(life)?.spawn().context("starting the bank")?;
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
    let ended = loop {
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
            Err(mpsc::RecvTimeoutError::Timeout) if killed => break Err(anyhow!("its output never ended")),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break Ok(()),
        }
    };
    // After an error too: nothing is left behind.
    let _ = child.kill();
    let status = child.wait()?;
    ended?;
    listener.join().map_err(|_| anyhow!("the listener has panicked"))?;
    if !killed {
        bail!("the bank ended by itself ({status}): what it said stands above");
    }
    if heard.opened.is_none() && matches!(moment, Moment::AfterOpening(_)) {
        bail!("the store was not open after {} s", NEVER.as_secs());
    }
    Ok(heard.opened.is_some())
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
