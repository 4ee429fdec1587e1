use std::path::Path;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar that fills as the file is read; only on a terminal.
pub(crate) fn of_file(path: &Path) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}  {elapsed}, {eta} to go")?;
    Ok(ProgressBar::new(std::fs::metadata(path)?.len()).with_style(style))
}
