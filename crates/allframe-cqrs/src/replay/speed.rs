/// How fast events are replayed.
///
/// ```
/// use allframe_cqrs::ReplaySpeed;
///
/// let hour_in_six_minutes = ReplaySpeed::original_times(10.0)?;
/// assert_ne!(hour_in_six_minutes, ReplaySpeed::full());
/// assert!(ReplaySpeed::original_times(0.0).is_err());
/// # Ok::<(), allframe_cqrs::InvalidSpeed>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReplaySpeed {
    /// Positive and finite; none where nothing is waited for.
    factor: Option<f64>,
}

impl ReplaySpeed {
    /// As fast as they can be read and taken in.
    #[must_use]
    pub const fn full() -> Self {
        Self { factor: None }
    }

    /// With the pauses between them that there were when they were recorded.
    #[must_use]
    pub const fn original() -> Self {
        Self { factor: Some(1.0) }
    }

    /// So many times as fast as they were recorded: 10 makes an hour six minutes, 0.5 makes it two hours.
    ///
    /// # Errors
    ///
    /// [`InvalidSpeed`] for what is not positive and finite.
    pub fn original_times(factor: f64) -> Result<Self, InvalidSpeed> {
        if factor.is_finite() && factor > 0.0 {
            Ok(Self { factor: Some(factor) })
        } else {
            Err(InvalidSpeed { factor })
        }
    }

    /// How many times as fast as the original; `None` for as fast as possible.
    pub(super) fn factor(self) -> Option<f64> {
        self.factor
    }
}

/// A replay cannot go at this speed.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a replay cannot be {factor} times as fast as the original; give a positive, finite factor")]
#[non_exhaustive]
pub struct InvalidSpeed {
    /// What was asked for.
    pub factor: f64,
}
