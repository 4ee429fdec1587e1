//! The read models live, while another run of the program writes.

use std::{io::Write, time::Duration};

use allframe_cqrs::EventStoreBackend;
use anyhow::Result;

use super::{ReadModels, arguments::Arguments, report::Report, store};

/// How often the read models are shown at most.
const PAUSE: Duration = Duration::from_millis(200);

/// Shows the read models as they are, and again whenever events have come, until the program is stopped.
pub(crate) async fn run(arguments: &Arguments, output: &mut dyn Write) -> Result<()> {
    let store = store::open_to_look(&arguments.store).await?;
    let read_models = ReadModels::start(store.clone()).await?;
    loop {
        let shown = store.backend().head().await?;
        read_models.wait_until(shown, super::CATCHING_UP).await?;
        Report::of(&read_models, 0).await?.print(arguments, output)?;
        output.flush()?;
        store.backend().wait_past(shown).await?;
        tokio::time::sleep(PAUSE).await;
    }
}
