//! URLs as they may be shown: in messages, and so in logs.

use std::{cmp::Reverse, env};

use anstream::adapter::strip_str;

/// What stands where a password was, or may have been.
const HIDDEN: &str = "***";
/// What a store is named by that has no user.
const WITHOUT_PASSWORDS: [&str; 3] = ["wal:", "rocksdb:", "memory:"];
/// Those of them behind which a directory stands.
const DIRECTORIES: [&str; 2] = ["wal:", "rocksdb:"];
/// Settings that are passwords, or say where one is.
const SETTINGS: [&str; 5] = ["password", "passwd", "pwd", "sslpassword", "passfile"];
/// Parameters of a URL that hold no secret.
const KNOWN: [&str; 12] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "options",
    "port",
    "sslmode",
    "target_session_attrs",
    "user",
];

/// The URL without passwords. A little too much is hidden rather than too little.
///
/// It may be no URL: libpq takes `host=db password=secret` too, and whoever is used to that writes it here.
pub(crate) fn redacted(url: &str) -> String {
    let (user, setting) = (behind_the_user(url), behind_a_setting(url));
    if let Some((kept, _)) = setting.and_then(|at| url.split_at_checked(user.unwrap_or(at).min(at))) {
        // Quotes, escapes, and whoever has forgotten them: where it ends is anybody's guess.
        return format!("{kept}{HIDDEN}");
    }
    let (Some((before, behind)), Some(at)) = (url.rsplit_once('@'), user) else {
        // Whoever has encoded the `@` too, or has forgotten the host.
        let kept = behind_no_port(url).and_then(|at| url.get(..at));
        return kept.map_or_else(|| without_parameters(url), |kept| format!("{kept}{HIDDEN}"));
    };
    let kept = before.get(..at).unwrap_or_default();
    // A `?` before the `@`: a password that was not encoded, and where it ends is anybody's guess, too.
    match before.contains('?') {
        true => format!("{kept}{HIDDEN}"),
        false => format!("{kept}{HIDDEN}@{}", without_parameters(behind)),
    }
}

/// Where a password may begin that stands before an `@`.
fn behind_the_user(url: &str) -> Option<usize> {
    let (before, _) = url.rsplit_once('@')?;
    let begin = behind_the_scheme(before);
    before.get(begin..)?.find([':', '?']).map(|at| begin + at + 1)
}

/// The same of what stands before none: behind the first `:` that is followed by something else than a port.
fn behind_no_port(url: &str) -> Option<usize> {
    if WITHOUT_PASSWORDS.contains(&kind_of(url).as_str()) {
        return None;
    }
    let begin = behind_the_scheme(url);
    let end = url.find('?').unwrap_or(url.len());
    // An address in brackets has colons of its own.
    let mut is_address = false;
    url.get(begin..end)?.char_indices().find_map(|(at, character)| {
        let behind = begin + at + character.len_utf8();
        match character {
            '[' => is_address = true,
            ']' => is_address = false,
            ':' if !is_address => {
                let rest = url.get(behind..end)?.trim_start_matches(|digit: char| digit.is_ascii_digit());
                let is_port = rest.is_empty() || rest.starts_with(['/', ',', '#', ' ']);
                return (!is_port).then_some(behind);
            }
            _ => {}
        }
        None
    })
}

/// Where a password may begin that is a setting of its own, and no parameter of a URL.
fn behind_a_setting(url: &str) -> Option<usize> {
    if DIRECTORIES.contains(&kind_of(url).as_str()) {
        return None;
    }
    let settings = match url.split_once('?') {
        Some((before, _)) if behind_the_scheme(url) > 0 => before,
        _ => url,
    };
    // Where there is no URL, it may be a file, or the name of a stream.
    let begin_of_url = url.find("://").unwrap_or(url.len());
    behind_a_name(settings, |name, end| match end > begin_of_url {
        true => may_be_a_password(name),
        false => ends_with_a_setting(name),
    })
}

/// What stands before the first `:`, and that.
fn kind_of(url: &str) -> String {
    url.split_inclusive(':').next().unwrap_or_default().to_ascii_lowercase()
}

/// Where a scheme ends that is one: `//` may be in a password, too.
fn behind_the_scheme(url: &str) -> usize {
    match url.split_once("://") {
        Some((scheme, _))
            if !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            scheme.len() + "://".len()
        }
        _ => 0,
    }
}

/// The same without the values of parameters that are passwords, or may be.
fn without_parameters(url: &str) -> String {
    let Some((before, parameters)) = url.split_once('?') else { return url.to_owned() };
    let (parameters, fragment) = match parameters.rsplit_once('#') {
        Some((parameters, fragment)) => (parameters, format!("#{}", shown_parameter(fragment))),
        None => (parameters, String::new()),
    };
    let mut is_behind_a_password = false;
    let shown: Vec<String> = parameters
        .split('&')
        .map(|parameter| {
            let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
            // It may be the rest of a password whose `&` was not encoded.
            if is_behind_a_password && !KNOWN.contains(&name) {
                return HIDDEN.to_owned();
            }
            is_behind_a_password |= may_be_a_password(name);
            shown_parameter(parameter)
        })
        .collect();
    format!("{before}?{}{fragment}", shown.join("&"))
}

fn shown_parameter(parameter: &str) -> String {
    let value = behind_the_name_of_a_password(parameter);
    match value.and_then(|at| parameter.get(..at)) {
        Some(name) => format!("{name}{HIDDEN}"),
        None => parameter.to_owned(),
    }
}

/// Behind the first `=` before which there is such a name. All that stands between two of them counts as one: which part of it is
/// the name is another guess.
fn behind_the_name_of_a_password(text: &str) -> Option<usize> {
    behind_a_name(text, |name, _| may_be_a_password(name))
}

/// Behind the first `=` of which this holds: what stands between the one before and it, and where it ends.
fn behind_a_name(text: &str, is_one: impl Fn(&str, usize) -> bool) -> Option<usize> {
    let mut end = 0;
    text.split_inclusive('=').find_map(|part| {
        end += part.len();
        part.strip_suffix('=').filter(|name| is_one(name, end)).map(|_| end)
    })
}

/// Whether the last word of it is the name of a password as libpq and others take it, which encode nothing there. What has a `/` in it
/// is a path, unless just such a name is behind that: what stands before may be the rest of a URL.
fn ends_with_a_setting(text: &str) -> bool {
    let is_in_a_word = |character: char| {
        !(character.is_whitespace() || character.is_ascii_punctuation()) || "_-.%/\\".contains(character)
    };
    // The `=` may stand apart, and the name in quotes.
    let text = text.trim_end_matches(is_around);
    let word = text.rsplit(|character| !is_in_a_word(character)).next().unwrap_or_default();
    match word.rsplit_once(['/', '\\']) {
        Some((_, name)) => SETTINGS.contains(&name.to_ascii_lowercase().as_str()),
        None => word.is_ascii() && !word.contains('%') && may_be_a_password(word),
    }
}

/// A name that is encoded could be any, and so could one with letters that only look like those of a password.
fn may_be_a_password(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    !name.is_ascii() || ["%", "pass", "pwd", "secret"].iter().any(|part| lower.contains(part))
}

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
    urls.retain(|url| url.contains("://") || behind_a_setting(url).is_some());
    // One may be the beginning of another.
    urls.sort_by_key(|url| Reverse(url.len()));
    urls.into_iter().fold(message.to_owned(), |message, url| message.replace(url, &redacted(url)))
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

/// What may stand around a word that is none of it.
fn is_around(character: char) -> bool {
    character.is_whitespace() || "'`\"".contains(character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_can_be_shown(url in ".{0,60}") {
            let shown = redacted(&url);
            prop_assert_eq!(redacted(&shown), shown);
        }

        /// However it is written, and encoded or not.
        #[test]
        fn no_password_of_a_user_is_ever_shown(
            scheme in "[a-z]{1,10}://|postgres:|",
            user in "[a-z%0-9]{0,8}",
            around in ("[ -~ü]{0,8}", "[ -~ü]{0,8}"),
            behind in "[a-z]{1,8}(:5432)?/[a-z]{0,4}([?]user=ann)?(#billing)?",
        ) {
            // That user would be a scheme.
            prop_assume!(!(scheme.is_empty() && around.0.starts_with("//")));
            let url = format!("{scheme}{user}:{}SECRET{}@{behind}", around.0, around.1);
            prop_assert!(!redacted(&url).contains("SECRET"), "{} is shown as {}", url, redacted(&url));
        }

        #[test]
        fn no_password_of_a_parameter_is_ever_shown(
            before in "postgresql://([a-z]{1,4}@)?[a-z]{0,4}/[a-z]{0,4}[?](user=ann&){0,2}",
            name in "(?i)password|sslpassword|passfile|passw%6frd",
            around in ("[A-Za-z0-9%._~=+:/-]{0,8}", "[A-Za-z0-9%._~=+:/-]{0,8}"),
            behind in "(&user=ann)?(#billing)?",
        ) {
            let url = format!("{before}{name}={}SECRET{}{behind}", around.0, around.1);
            prop_assert!(!redacted(&url).contains("SECRET"), "{} is shown as {}", url, redacted(&url));
        }

        /// In quotes or not, and wherever one of them is missing. No letters but those: libpq takes no others.
        #[test]
        fn no_password_of_a_setting_is_ever_shown(
            before in "((host|user|dbname) ?= ?'?[a-z/.:@?ü]{0,6}'? ){0,3}",
            name in "[Pp][Aa][Ss][Ss][Ww][Oo][Rr][Dd]|sslpassword|passfile|PGPASSWORD|passwd|pwd",
            equals in " ?= ?'?",
            around in ("[ -~ü]{0,8}", "[ -~ü]{0,8}"),
            behind in "'?( host=db)?( user=ann@db)?([?]user=ann)?",
        ) {
            let url = format!("{before}{name}{equals}{}SECRET{}{behind}", around.0, around.1);
            prop_assert!(!redacted(&url).contains("SECRET"), "{} is shown as {}", url, redacted(&url));
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for url in [
            "",
            "./data",
            "wal:data",
            "WAL:C:\\data",
            "memory:7",
            "postgresql://localhost/app",
            "postgresql://localhost:5432,other:5433/app#billing",
            "postgresql://[::1]:5432/app?host=a:b",
            "postgresql://ann@localhost:5432,other:5433/app?target_session_attrs=read-write#billing",
            "postgresql://postgres@%2Fvar%2Frun:5432/app#eventstore",
            "postgresql:///app?host=/var/run&user=ann",
            "host=db port=5432 user=ann dbname=app",
            "host='db' user = ann",
        ] {
            assert_eq!(redacted(url), url);
        }
    }

    #[test]
    fn a_file_or_a_name_with_an_equals_sign_is_no_setting() {
        for name in [
            "exports/passenger=7/events.jsonl",
            "exports\\passenger=7\\events.jsonl",
            "year=2024/passenger=7/events.jsonl",
            "größe=5",
            "100%=7",
            "pass%20age=7",
            "wal:/data/passenger=7",
            "wal:/my data/passenger=7",
            "wal:passenger=7",
            "wal:größe=5",
            "rocksdb:pwd=7",
        ] {
            assert_eq!(redacted(name), name);
            let said = [name.to_owned(), format!("--store={name}")];
            let message = format!("cannot open {name}");
            assert_eq!(without_those_of(&said, &message), message);
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        for (url, expected) in [
            ("postgresql://ann:secret@host:5432/app", "postgresql://ann:***@host:5432/app"),
            (
                "postgresql://ann:secret@host/app?connect_timeout=1#s",
                "postgresql://ann:***@host/app?connect_timeout=1#s",
            ),
            (
                "postgresql://host/app?user=ann&password=secret#s",
                "postgresql://host/app?user=ann&password=***#s",
            ),
            ("postgresql://host/app?PassWord=secret&user=ann", "postgresql://host/app?PassWord=***&user=ann"),
            ("postgresql://ann@host/app?p%61ssword=secret", "postgresql://ann@host/app?p%61ssword=***"),
            (
                "postgresql://ann@host/app?sslpassword=secret&a=b",
                "postgresql://ann@host/app?sslpassword=***&***",
            ),
            ("postgresql://h/db?password=a&secret=b&user=ann", "postgresql://h/db?password=***&***&user=ann"),
            ("postgresql://ann:secret%40host/app", "postgresql://ann:***"),
            ("postgresql://ann:secret/app?user=ann", "postgresql://ann:***"),
            ("postgresql://host:5432,ann:1secret", "postgresql://host:5432,ann:***"),
            ("postgres:ann:secret", "postgres:***"),
            ("Pwd=secret;Host=db", "Pwd=***"),
            ("postgresql://h/db?pwd=secret", "postgresql://h/db?pwd=***"),
            ("host=db user=app password=secret", "host=db user=app password=***"),
            ("host=db password='se cret' user=app", "host=db password=***"),
            ("host=db password = secret", "host=db password =***"),
            ("passwd=secret", "passwd=***"),
            ("PGPASSWORD=secret", "PGPASSWORD=***"),
            ("//host/Password=secret", "//host/Password=***"),
            ("--password=secret", "--password=***"),
            ("host='/run/db'sslpassword=secret", "host='/run/db'sslpassword=***"),
            ("{\"password\"=secret}", "{\"password\"=***"),
            ("host/app?user=ann&password=secret", "host/app?user=ann&password=***"),
            ("postgresql://host/app pässword=secret", "postgresql://host/app pässword=***"),
            ("jdbc:postgresql://db/app;password=secret", "jdbc:postgresql://db/app;password=***"),
        ] {
            assert_eq!(redacted(url), expected);
        }
    }

    #[test]
    fn a_password_that_was_not_encoded_is_not_shown_either() {
        for url in [
            "postgresql://ann:se:secret@host/app",
            "postgresql://ann:se@secret@host/app",
            "postgresql://ann:se#secret@host/app",
            "postgresql://ann:se?secret=1@host/app",
            "postgresql://ann:se/secret@host/app",
            "postgres:ann:se//secret:@host/app",
            "ann:secret@//other:word@host",
            "postgresql://host?password=se@secret",
            "postgresql://host:5432/app?password=se@secret",
            "postgresql:///app?password=se&secret@secret",
            "postgresql://host/app password=secret",
            "postgresql://host/app?user=ann password=secret",
            "host=db:5432 password=se@secret",
            "host=db password='it\\'s secret'",
            "user=ann:secret password=@host",
        ] {
            assert!(!redacted(url).contains("secret"), "{}", redacted(url));
        }
    }

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
    fn no_password_is_shown_of_what_is_no_url() {
        for url in [
            "postgre://ann:secret@host",
            "ann:secret@host",
            "postgres:ann:secret@host/app",
            "pg:/ann:secret@h",
        ] {
            assert!(!redacted(url).contains("secret"), "{}", redacted(url));
        }
    }
}
