//! Debian's packages, for root: what a build machine starts with is a clone and a toolchain.

use std::path::Path;

use crate::alone::Alone;
use crate::process::Process;

/// Another chore may be about the same: apt-get fails where it finds another one, and does not wait. In a folder of root's, so that
/// nobody else can hold it up, or lead it to another file.
const LOCK: &str = "/run/allframe-cqrs-apt.lock";

/// Whether this is root on a system of Debian's kind.
pub(crate) fn may_install() -> bool {
    let is_root = Process::new("id", ["-u"]).read().is_ok_and(|user| user.trim() == "0");
    is_root && Process::new("apt-get", ["--version"]).read().is_ok()
}

/// Installs `packages`, and says so: `what` is what people call them.
pub(crate) fn install(what: &str, packages: &[&str]) -> anyhow::Result<()> {
    println!("not installed, and this is root: installing {what} ({})", packages.join(", "));
    let _alone = Alone::at(Path::new(LOCK))?;
    Process::new("apt-get", ["update"]).run()?;
    installation(packages).run()
}

fn installation(packages: &[&str]) -> Process {
    Process::new("apt-get", ["install", "--yes", "--no-install-recommends"])
        .arguments(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_asks_nobody_anything() {
        assert_eq!(
            installation(&["postgresql"]).to_string(),
            "DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql"
        );
    }
}
