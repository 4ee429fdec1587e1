use std::time::Duration;

/// When an append is acknowledged, and what becomes of it when the machine fails.
///
/// ```
/// use std::time::Duration;
/// use eventstore_embedded::Durability;
///
/// assert_eq!(Durability::default(), Durability::Always);
/// let within_50_ms = Durability::Interval(Duration::from_millis(50));
/// # let _ = within_50_ms;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// An append is acknowledged when it is on the disk: it survives the end of the process, and loss of power.
    #[default]
    Always,
    /// An append is acknowledged when the operating system has it, and reaches the disk within about this time. It survives
    /// the end of the process; loss of power takes what was acknowledged since the last sync. Intervals shorter than 1 ms are
    /// taken as 1 ms.
    Interval(Duration),
    /// An append is acknowledged when the operating system has it, which writes it when it likes. It survives the end of the
    /// process; loss of power takes what was not [flushed](eventstore_api::EventStoreBackend::flush).
    OsBuffered,
}
