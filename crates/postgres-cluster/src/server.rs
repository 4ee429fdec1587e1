//! The process of a server, from its start to its end.

use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::address::Address;
use crate::error::ClusterError;
use crate::frozen::Frozen;
use crate::home::Home;
use crate::patience::{PATIENCE, within};
use crate::processes::{all, descendants, signal};
use crate::programs::{Programs, output_of};

/// The postmaster, our child. Dropped, it is ended in whatever way is quick.
#[derive(Debug)]
pub(crate) struct Server {
    postmaster: Child,
}

impl Server {
    /// Starts it, without waiting for it.
    pub(crate) fn spawn(programs: &Programs, home: &Home, address: &Address) -> Result<Self, ClusterError> {
        let path = home.log_file();
        let log = OpenOptions::new().append(true).create(true).open(&path);
        let log = log.map_err(ClusterError::file("open", &path))?;
        let errors = log.try_clone().map_err(ClusterError::file("open", &path))?;

        let listens = if address.password.is_some() { "127.0.0.1" } else { "" };
        let mut command = programs.command("postgres", home);
        command.arg("-D").arg(home.data()).args(["-p", &address.port.to_string()]);
        command.args(["-c", &format!("listen_addresses={listens}")]);
        // A list, in which a quoted path may hold anything.
        command.args(["-c", &format!("unix_socket_directories=\"{}\"", home.path().display())]);
        command.stdout(log).stderr(errors);
        // A Ctrl-C in a terminal is for us, who end it in order.
        let postmaster = command.process_group(0).spawn();
        Ok(Self { postmaster: postmaster.map_err(ClusterError::could_not_run("postgres"))? })
    }

    pub(crate) fn id(&self) -> u32 {
        self.postmaster.id()
    }

    pub(crate) fn wait_until_it_accepts_connections(&mut self, home: &Home) -> Result<(), ClusterError> {
        let ready = within(PATIENCE, || match self.has_ended()? {
            Some(status) => Err(ClusterError::Ended { status, log: home.end_of_log() }),
            None => Ok(self.says_ready(home).then_some(())),
        });
        ready?.ok_or_else(|| too_long("does not accept connections", home))
    }

    /// SIGINT, a fast shutdown: what is open is rolled back, and everything is written.
    pub(crate) fn stop(&mut self, home: &Home) -> Result<(), ClusterError> {
        signal("INT", &[self.id()])?;
        within(PATIENCE, || self.has_ended())?.map(drop).ok_or_else(|| too_long("shuts down", home))
    }

    /// SIGKILL, to every process of it. When this returns, none is left.
    pub(crate) fn kill(&mut self, home: &Home) -> Result<(), ClusterError> {
        let family = self.stop_forking(home)?;
        signal("KILL", &family)?;
        self.postmaster.wait().map_err(ClusterError::could_not_run("postgres"))?;
        let gone = within(PATIENCE, || {
            let is_left = all()?.iter().any(|it| family.contains(&it.id) && !it.is_dead());
            Ok((!is_left).then_some(()))
        });
        gone?.ok_or_else(|| too_long("has processes, though they were sent SIGKILL", home))
    }

    /// SIGSTOP, to every process of it. When this returns, none of them runs.
    pub(crate) fn freeze(&self, home: &Home) -> Result<Frozen, ClusterError> {
        // From here on they are thawed, whatever comes.
        let frozen = Frozen::of(self.stop_forking(home)?);
        signal("STOP", frozen.ids())?;
        let stopped = within(PATIENCE, || {
            let runs =
                all()?.iter().any(|it| frozen.ids().contains(&it.id) && !it.is_stopped() && !it.is_dead());
            Ok((!runs).then_some(()))
        });
        stopped?.map(|()| frozen).ok_or_else(|| too_long("runs, though it was sent SIGSTOP", home))
    }

    /// Stops the postmaster, and lists it with all its children: stopped, it has no more than can be counted. They are not in
    /// its process group: each begins one.
    fn stop_forking(&self, home: &Home) -> Result<Vec<u32>, ClusterError> {
        let id = self.id();
        signal("STOP", &[id])?;
        let listed = within(PATIENCE, || {
            let all = all()?;
            let postmaster = all.iter().find(|it| it.id == id);
            let is_still = postmaster.is_none_or(|it| it.is_stopped() || it.is_dead());
            Ok(is_still.then(|| descendants(id, &all)))
        })?;
        let mut family = listed.ok_or_else(|| too_long("runs, though it was sent SIGSTOP", home))?;
        family.push(id);
        Ok(family)
    }

    fn has_ended(&mut self) -> Result<Option<ExitStatus>, ClusterError> {
        self.postmaster.try_wait().map_err(ClusterError::could_not_run("postgres"))
    }

    /// As `pg_ctl --wait` has it: the eighth line of `postmaster.pid`, whose first line says whose file it is.
    fn says_ready(&self, home: &Home) -> bool {
        let file = fs::read_to_string(home.lock_file()).unwrap_or_default();
        let mut lines = file.lines().map(str::trim);
        lines.next() == Some(&self.id().to_string()) && lines.nth(6) == Some("ready")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        const IMMEDIATE: Duration = Duration::from_secs(10);
        if matches!(self.has_ended(), Ok(Some(_))) {
            return;
        }
        // SIGQUIT, an immediate shutdown: nothing is written, but its shared memory is given back.
        let ended = signal("QUIT", &[self.id()]).and_then(|()| within(IMMEDIATE, || self.has_ended()));
        if !matches!(ended, Ok(Some(_))) {
            let _ = self.postmaster.kill();
            let _ = self.postmaster.wait();
        }
    }
}

/// Gives back the shared memory of a server that was killed, of which a system has few thousand pieces. The next server in
/// the same directory would, but where the directory goes there is none.
pub(crate) fn release_memory(home: &Home) {
    let file = fs::read_to_string(home.lock_file()).unwrap_or_default();
    // The seventh line: the key and the id of the segment.
    let id = file.lines().nth(6).and_then(|it| it.split_whitespace().nth(1));
    if let Some(id) = id {
        let _ = output_of("ipcrm", Command::new("ipcrm").args(["-m", id]).stdin(Stdio::null()));
    }
}

fn too_long(state: &'static str, home: &Home) -> ClusterError {
    ClusterError::TooLong { state, limit: PATIENCE, log: home.end_of_log() }
}
