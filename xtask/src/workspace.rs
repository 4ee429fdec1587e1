//! The workspace as cargo sees it.

use std::path::PathBuf;

use anyhow::Context;
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::process::Process;

/// Where the repository lies.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable whenever it runs us. The one it set when it compiled us may be another clone's, where
    // clones share a target directory.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = PathBuf::from(here);
    here.parent().map_or_else(|| here.clone(), PathBuf::from)
}

/// Our own packages as their manifests declare them. Resolves nothing, so it is quick and needs no network.
pub(crate) fn packages() -> anyhow::Result<Vec<Package>> {
    let json = Process::cargo(["metadata", "--no-deps", "--format-version", "1"]).read()?;
    let metadata = MetadataCommand::parse(json).context("`cargo metadata` wrote something unexpected")?;
    Ok(metadata.packages)
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory() -> anyhow::Result<PathBuf> {
    let json = Process::cargo(["metadata", "--no-deps", "--format-version", "1"]).read()?;
    let metadata = MetadataCommand::parse(json).context("`cargo metadata` wrote something unexpected")?;
    Ok(metadata.target_directory.into())
}

/// Whether people can depend on this package; chores and benches they cannot.
pub(crate) fn is_published(package: &Package) -> bool {
    package.publish.as_ref().is_none_or(|registries| !registries.is_empty())
}

/// How a manifest's section is called.
pub(crate) fn section(kind: DependencyKind) -> &'static str {
    match kind {
        DependencyKind::Development => "dev-dependencies",
        DependencyKind::Build => "build-dependencies",
        _ => "dependencies",
    }
}
