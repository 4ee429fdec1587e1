//! Messages, in which a URL may stand.

use std::{cmp::Reverse, env};

use anstream::adapter::strip_str;

use super::{
    WITHOUT_PASSWORDS, behind_the_user, is_around, kind_of, names_a_server, redacted,
    setting::behind_a_setting,
};

/// A message without the passwords of URLs in it: users write them where something else belongs, and with any scheme.
///
/// The message is to be as it was made: where what users have said is escaped in it, a part of a password could be shown.
pub(crate) fn without_passwords(message: &str) -> String {
    let said = env::args_os().skip(1).chain(env::var_os("EVENTSTORE_STORE"));
    let mut said: Vec<_> = said.map(|argument| argument.to_string_lossy().into_owned()).collect();
    // What the command line itself is answered with has lost what a terminal would obey.
    let stripped: Vec<_> = said.iter().map(|argument| strip_str(argument).to_string()).collect();
    said.extend(stripped);
    without_those_in_words(&without_those_of(&said, message))
}

/// The same, of what users have said as a whole: a password may hold anything, also what stands around words.
fn without_those_of(said: &[String], message: &str) -> String {
    let mut urls: Vec<&str> =
        said.iter().flat_map(|argument| [argument.as_str(), value_of(argument)]).collect();
    urls.retain(|url| may_hold_a_password(url));
    // One may be the beginning of another.
    urls.sort_by_key(|url| Reverse(url.len()));
    urls.into_iter().fold(message.to_owned(), |message, url| message.replace(url, &redacted(url)))
}

/// Whether it may be a URL, if one that is mistyped, or what libpq takes.
///
/// `customer:ann@shop.org` is the name of a stream, and may as well be a URL without its scheme: nobody can tell. Of the two mistakes the
/// one is taken that shows no password.
fn may_hold_a_password(text: &str) -> bool {
    names_a_server(text)
        || behind_a_setting(text).is_some()
        || (!WITHOUT_PASSWORDS.contains(&kind_of(text).as_str()) && behind_the_user(text).is_some())
}

/// Of an option that is an argument together with its value, the value: messages show it alone.
fn value_of(argument: &str) -> &str {
    match (argument.split_once('='), argument.as_bytes()) {
        (Some((_, value)), [b'-', b'-', ..]) => value,
        (_, [b'-', letter, ..]) if letter.is_ascii_alphabetic() => {
            argument.get("-n".len()..).unwrap_or_default().trim_start_matches('=')
        }
        _ => argument,
    }
}

/// The same, of the words of the message: not all of it is what users have said on the command line.
fn without_those_in_words(message: &str) -> String {
    let words = message.split_inclusive(is_around).map(|word| {
        let (url, end) = word.split_at(word.trim_end_matches(is_around).len());
        match url.contains("://") {
            true => redacted(url) + end,
            false => word.to_owned(),
        }
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown_in_the_middle_of_a_message() {
        assert_eq!(
            without_passwords(
                "unexpected argument 'postgresql://ann:secret@h/db' found, as was postgres://b:secret@h"
            ),
            "unexpected argument 'postgresql://ann:***@h/db' found, as was postgres://b:***@h"
        );
        for text in ["", "the schema of postgres is postgresql", "`postgres://HOST/DATABASE#SCHEMA`, or"] {
            assert_eq!(without_passwords(text), text);
        }
    }

    #[test]
    fn whatever_stands_in_a_password_that_was_said_is_not_shown() {
        for around in ["\"", "'", "`", " ", "\n", "\\", "=", " x=1://", "' '"] {
            let url = format!("postgres://ann:SEC{around}RET@h/db");
            let (long, short) = (format!("--store={url}"), format!("-n{url}"));
            let setting = format!("host=db password=SEC{around}RET");
            for said in [&url, &long, &short, &setting] {
                for shown in [value_of(said), said] {
                    let all = [said.clone(), "postgres://ann:SEC".to_owned()];
                    let message = without_those_of(&all, &format!("invalid value '{shown}' for `n`"));
                    assert!(!message.contains("SEC") && !message.contains("RET"), "{said}: {message}");
                    assert!(message.starts_with("invalid value '") && message.ends_with("' for `n`"));
                }
            }
        }
    }

    #[test]
    fn a_password_in_a_url_that_is_mistyped_is_not_shown() {
        for url in [
            "postgresql:/ann:SECRET@h/db",
            "Postgres:ann:SECRET@h",
            "postgresql:ann:SECRET",
            "ann:SECRET@h/db",
            "ann%3aSECRET@h/db",
            "password:SECRET",
        ] {
            for said in [url.to_owned(), format!("--store={url}"), format!("-n{url}")] {
                let message = without_those_of(&[said], &format!("cannot open {url}"));
                assert!(message.starts_with("cannot open ") && !message.contains("SECRET"), "{message}");
            }
        }
    }

    #[test]
    fn a_name_that_may_be_a_user_with_a_password_is_taken_for_that() {
        for (name, expected) in [
            ("customer:ann@shop.org", "customer:***@shop.org"),
            ("customer-ann@shop.org", "customer-ann@shop.org"),
            ("customer:ann", "customer:ann"),
        ] {
            let message = without_those_of(&[name.to_owned()], &format!("stream `{name}` has no events"));
            assert_eq!(message, format!("stream `{expected}` has no events"));
        }
    }

    #[test]
    fn a_file_with_an_equals_sign_that_was_said_is_shown() {
        for name in [
            "exports/passenger=7/events.jsonl",
            "./my passenger=7.jsonl",
            "wal:/my data/passenger=7",
            "wal:/data/ann@home",
            "account:7",
        ] {
            let said = [name.to_owned(), format!("--store={name}")];
            let message = format!("cannot open {name}");
            assert_eq!(without_those_of(&said, &message), message);
        }
    }
}
