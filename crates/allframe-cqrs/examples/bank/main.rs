//! A bank, written twice: as one writes it against AllFrame 0.1.28, and with this toolkit.
//!
//! Both take the same five commands from JSON - open, deposit, withdraw, transfer, close - under the same idempotency keys, and
//! tell the same story. Then the lines are counted that each needs to check its commands and to get them to their handlers.
//!
//! ```text
//! cargo run -p allframe-cqrs --example bank --features validation,json-commands
//! ```

mod allframe_style;
mod domain;
mod lines;
mod story;
#[cfg(test)]
mod tests;
mod toolkit_style;

use std::io::{self, Write};

use story::{StoryError, tell};

#[tokio::main]
async fn main() -> Result<(), StoryError> {
    let as_with_allframe = tell(&allframe_style::Bank::open_for_business().await?).await?;
    let as_with_the_toolkit = tell(&toolkit_style::Bank::open_for_business()?).await?;

    let mut out = io::stdout().lock();
    writeln!(out, "{as_with_the_toolkit}")?;
    let same = if as_with_allframe == as_with_the_toolkit { "the same" } else { "ANOTHER" };
    writeln!(out, "In the style of AllFrame 0.1.28, the story is {same}.\n")?;
    writeln!(out, "{}", lines::Comparison::of_both()?)?;
    Ok(())
}
