//! The names of sagas and steps, as they are stored.

use proc_macro2::Span;
use syn::{Error, Ident, Result, ext::IdentExt as _};

/// As many as an orchestrator takes.
const MAX_BYTES: usize = 64;

/// A name, if it can be stored. What stands in the name of a stream cannot be anything.
pub(super) fn checked(name: String, at: Span) -> Result<String> {
    let is_legal = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.');
    match !name.is_empty() && name.len() <= MAX_BYTES && name.chars().all(is_legal) {
        true => Ok(name),
        false => Err(Error::new(
            at,
            format!(
                "`{name}` is no name under which it can be stored: that has 1 to {MAX_BYTES} letters, digits, `_` and `.`"
            ),
        )),
    }
}

/// What a saga is called that is not given a name.
pub(super) fn of_type(ident: &Ident) -> String {
    let name = ident.unraw().to_string();
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (place, letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|before| letters.get(before));
        let begins_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                let ends_capitals = letters.get(place + 1).is_some_and(|next| next.is_lowercase());
                before.is_lowercase() || before.is_numeric() || (before.is_uppercase() && ends_capitals)
            });
        if begins_word {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;
    use syn::Ident;

    use super::{checked, of_type};

    #[test]
    fn a_type_is_called_in_snake_case() {
        let names = ["Reaccommodation", "BookTrip", "HTTPCall", "V2Refund", "Already_Snake", "X"];
        let names = names.map(|name| of_type(&Ident::new(name, Span::call_site())));
        assert_eq!(names, ["reaccommodation", "book_trip", "http_call", "v2_refund", "already_snake", "x"]);
    }

    #[test]
    fn a_name_holds_nothing_that_a_stream_is_divided_by() {
        for wrong in ["", "book-trip", "naïve", "a b", &"x".repeat(65)] {
            assert!(checked(wrong.to_owned(), Span::call_site()).is_err(), "{wrong}");
        }
        checked("x".repeat(64), Span::call_site()).unwrap();
        checked("travel.book_trip2".to_owned(), Span::call_site()).unwrap();
    }
}
