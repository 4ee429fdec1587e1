//! The read models, built anew from history: as after `apply` was mended.

use anyhow::Result;
use futures_util::StreamExt;

use super::{ReadModels, progress};

/// Builds one after the other, each beside the one that serves, and waits until all new ones do.
pub(crate) async fn all(read_models: &ReadModels) -> Result<()> {
    // As far as they have come: what is not applied yet would not be built.
    read_models.wait_until_caught_up(super::CATCHING_UP).await?;
    for name in read_models.names() {
        let rebuild = read_models.begin_rebuild(&name)?;
        let bar = progress::of_rebuild(&name)?;
        let mut updates = rebuild.updates();
        while let Some(progress) = updates.next().await {
            bar.set_length(progress.target.get());
            bar.set_position(progress.position.get());
        }
        bar.finish_and_clear();
        rebuild.finished().await?;
    }
    Ok(())
}
