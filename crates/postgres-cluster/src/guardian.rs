//! Clearing away after an owner that could not do it: killed, interrupted, or with its cluster in a `static`.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::error::ClusterError;

/// A shell that reads a pipe of ours. However we end, the system closes the pipe, and the shell does what is left.
#[derive(Debug)]
pub(crate) struct Guardian {
    shell: Child,
}

/// Each line that it reads is the server from then on, or nobody. SIGQUIT is the immediate shutdown: it leaves no shared
/// memory behind.
const WATCH: &str = r#"
server=
while read -r line; do server=$line; done
if [ -n "$server" ] && kill -s QUIT "$server" 2>/dev/null; then
    left=100
    while kill -s 0 "$server" 2>/dev/null; do
        left=$((left - 1))
        if [ "$left" = 0 ]; then kill -s KILL "$server"; break; fi
        sleep 0.1
    done
fi
rm -rf "$1"
"#;

impl Guardian {
    pub(crate) fn over(directory: &Path) -> Result<Self, ClusterError> {
        let mut command = Command::new("sh");
        command.args(["-c", WATCH, "postgres-cluster-guardian"]).arg(directory).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // What a terminal sends to us when somebody presses Ctrl-C is not for the one who comes after us.
        let shell = command.process_group(0).spawn().map_err(ClusterError::could_not_run("sh"))?;
        Ok(Self { shell })
    }

    /// This is the server now, if there is one.
    pub(crate) fn watch(&mut self, server: Option<u32>) {
        let line = server.map_or_else(String::new, |it| it.to_string());
        if let Some(pipe) = &mut self.shell.stdin {
            // Without a guardian, the owner's own clearing away is what there is.
            let _ = writeln!(pipe, "{line}");
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
