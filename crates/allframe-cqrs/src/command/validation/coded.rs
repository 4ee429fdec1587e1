//! Between garde, whose errors are texts, and ours, which have a code for programs.

use std::{borrow::Cow, fmt::Display};

use garde::{
    Validate,
    i18n::{DefaultI18n, I18n, InvalidEmail, InvalidUrl, IpKind, with_i18n},
};

use super::ValidationError;

/// Stands between the code and the message; nobody writes it in a message of their own.
const SEPARATOR: char = '\u{1f}';

/// What garde finds wrong with a command: what `#[command]` writes for one with `#[validate(..)]` on its fields.
///
/// # Errors
///
/// Every field that fails, with what each rule says of it.
pub fn check_with_garde<C>(command: &C) -> Result<(), Vec<ValidationError>>
where
    C: Validate,
    C::Context: Default,
{
    // Asked twice: setting up messages with codes costs more than most checks, and most commands are right.
    if command.validate().is_ok() {
        return Ok(());
    }
    match with_i18n(Coded, || command.validate()) {
        Ok(()) => Ok(()),
        Err(report) => {
            Err(report.iter().map(|(path, error)| coded(path.to_string(), error.message())).collect())
        }
    }
}

fn coded(field: String, message: &str) -> ValidationError {
    match message.split_once(SEPARATOR) {
        Some((code, message)) => ValidationError::with_code(field, message, code),
        None => ValidationError::new(field, message),
    }
}

/// garde's own messages, with the code of the rule before each: the names that JSON Schema has for the same rules.
struct Coded;

fn with_code(code: &str, message: &str) -> Cow<'static, str> {
    format!("{code}{SEPARATOR}{message}").into()
}

impl I18n for Coded {
    fn length_lower_than(&self, min: usize) -> Cow<'static, str> {
        with_code("minLength", &DefaultI18n.length_lower_than(min))
    }

    fn length_greater_than(&self, max: usize) -> Cow<'static, str> {
        with_code("maxLength", &DefaultI18n.length_greater_than(max))
    }

    fn range_lower_than(&self, min: &dyn Display) -> Cow<'static, str> {
        with_code("minimum", &DefaultI18n.range_lower_than(min))
    }

    fn range_greater_than(&self, max: &dyn Display) -> Cow<'static, str> {
        with_code("maximum", &DefaultI18n.range_greater_than(max))
    }

    fn credit_card_invalid(&self, reason: garde::i18n::InvalidCreditCard) -> Cow<'static, str> {
        with_code("credit_card", &DefaultI18n.credit_card_invalid(reason))
    }

    fn pattern_no_match(&self, pattern: &dyn Display) -> Cow<'static, str> {
        with_code("pattern", &DefaultI18n.pattern_no_match(pattern))
    }

    fn contains_missing(&self, pattern: &dyn Display) -> Cow<'static, str> {
        with_code("contains", &DefaultI18n.contains_missing(pattern))
    }

    fn url_invalid(&self, reason: InvalidUrl) -> Cow<'static, str> {
        with_code("url", &DefaultI18n.url_invalid(reason))
    }

    fn prefix_missing(&self, pattern: &dyn Display) -> Cow<'static, str> {
        with_code("prefix", &DefaultI18n.prefix_missing(pattern))
    }

    fn suffix_missing(&self, pattern: &dyn Display) -> Cow<'static, str> {
        with_code("suffix", &DefaultI18n.suffix_missing(pattern))
    }

    fn phone_number_invalid(&self, reason: garde::i18n::InvalidPhoneNumber) -> Cow<'static, str> {
        with_code("phone_number", &DefaultI18n.phone_number_invalid(reason))
    }

    fn ip_invalid(&self, kind: IpKind) -> Cow<'static, str> {
        with_code("ip", &DefaultI18n.ip_invalid(kind))
    }

    fn matches_field_mismatch(&self, field: &dyn Display) -> Cow<'static, str> {
        with_code("matches", &DefaultI18n.matches_field_mismatch(field))
    }

    fn email_invalid(&self, reason: InvalidEmail) -> Cow<'static, str> {
        with_code("email", &DefaultI18n.email_invalid(reason))
    }

    fn ascii_invalid(&self) -> Cow<'static, str> {
        with_code("ascii", &DefaultI18n.ascii_invalid())
    }

    fn alphanumeric_invalid(&self) -> Cow<'static, str> {
        with_code("alphanumeric", &DefaultI18n.alphanumeric_invalid())
    }

    fn required_not_set(&self) -> Cow<'static, str> {
        with_code("required", &DefaultI18n.required_not_set())
    }
}
