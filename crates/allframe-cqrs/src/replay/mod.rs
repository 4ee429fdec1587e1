//! Events once more: any range of them, at any speed, with the hand on the switch.

mod control;
mod handle;
mod pace;
mod plan;
mod progress;
mod run;
mod speed;
mod target;

pub use control::ReplayControl;
pub use handle::{Replay, ReplayEnd, ReplayError, Replayed};
pub use plan::ReplayPlan;
pub use progress::{ReplayProgress, ReplayState};
pub use speed::{InvalidSpeed, ReplaySpeed};
