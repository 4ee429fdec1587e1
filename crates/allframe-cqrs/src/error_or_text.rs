use std::error::Error as StdError;

/// Why a handler refuses or fails: any error, or a text.
///
/// All that becomes a `Box<dyn Error + Send + Sync>` is one: errors, `&'static str`, `String`, `anyhow::Error`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an error nor a text",
    label = "is no error",
    note = "an error is a `std::error::Error + Send + Sync + 'static`, a `String`, a `&'static str`, or an `anyhow::Error`"
)]
pub trait ErrorOrText {
    /// It, as an error.
    #[must_use]
    fn into_error(self) -> Box<dyn StdError + Send + Sync>;
}

// What this would recommend, all that becomes a box, is longer than what there is to say.
#[diagnostic::do_not_recommend]
impl<R: Into<Box<dyn StdError + Send + Sync>>> ErrorOrText for R {
    fn into_error(self) -> Box<dyn StdError + Send + Sync> {
        self.into()
    }
}
