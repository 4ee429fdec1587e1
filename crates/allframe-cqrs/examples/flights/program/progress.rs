use std::path::Path;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar that fills as the file is read; only on a terminal.
pub(crate) fn of_file(path: &Path) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}  {elapsed}, {eta} to go")?;
    Ok(ProgressBar::new(std::fs::metadata(path)?.len()).with_style(style))
}

/// A bar that fills as a read model is built anew; only on a terminal.
pub(crate) fn of_rebuild(name: &str) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{msg:16} {bar:40} {pos}/{len} events  {elapsed}, {eta} to go")?;
    Ok(ProgressBar::new(0).with_style(style).with_message(name.to_owned()))
}
