//! URLs as they may be shown: in messages, and so in logs.

mod message;
mod parameters;
mod setting;

pub(crate) use self::message::without_passwords;
use self::{parameters::without_parameters, setting::behind_a_setting};

/// What stands where a password was, or may have been.
const HIDDEN: &str = "***";
/// What a store is named by that has no user.
const WITHOUT_PASSWORDS: [&str; 3] = ["wal:", "rocksdb:", "memory:"];
/// How the URL of a server begins, also one whose slashes are mistyped.
const SERVERS: [&str; 2] = ["postgres:", "postgresql:"];
/// A `:` of whoever encodes too much.
const ENCODED_COLON: &str = "%3a";

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

/// Whether it may be the URL of a server.
pub(crate) fn names_a_server(text: &str) -> bool {
    text.contains("://") || SERVERS.contains(&kind_of(text).as_str())
}

/// Where a password may begin that stands before an `@`.
fn behind_the_user(url: &str) -> Option<usize> {
    let (before, _) = url.rsplit_once('@')?;
    let begin = behind_the_scheme(before);
    let rest = before.get(begin..)?;
    let plain = rest.find([':', '?']).map(|at| at + 1);
    // Every letter keeps its place.
    let encoded = rest.to_ascii_lowercase().find(ENCODED_COLON).map(|at| at + ENCODED_COLON.len());
    [plain, encoded].into_iter().flatten().min().map(|behind| begin + behind)
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
        let at = begin + at;
        let behind = match character {
            '[' | ']' => {
                is_address = character == '[';
                return None;
            }
            ':' if !is_address => at + ':'.len_utf8(),
            '%' if !is_address && is_an_encoded_colon(url, at) => at + ENCODED_COLON.len(),
            _ => return None,
        };
        let rest = url.get(behind..end)?.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let is_port = rest.is_empty() || rest.starts_with(['/', ',', '#', ' ']);
        (!is_port).then_some(behind)
    })
}

fn is_an_encoded_colon(url: &str, at: usize) -> bool {
    let code = url.get(at..at + ENCODED_COLON.len());
    code.is_some_and(|code| code.eq_ignore_ascii_case(ENCODED_COLON))
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
            name in "[Pp][Aa][Ss][Ss][Ww][Oo][Rr][Dd]|sslpassword|passfile|PGPASSWORD|passwd|pwd|pass|dbpass|PWD1|secretkey|secret|api_token",
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
            "postgresql://localhost%3A5432/app",
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
    fn a_password_of_a_user_is_not_shown() {
        for (url, expected) in [
            ("postgresql://ann:secret@host:5432/app", "postgresql://ann:***@host:5432/app"),
            (
                "postgresql://ann:secret@host/app?connect_timeout=1#s",
                "postgresql://ann:***@host/app?connect_timeout=1#s",
            ),
            ("postgresql://ann:secret%40host/app", "postgresql://ann:***"),
            ("postgresql://ann:secret/app?user=ann", "postgresql://ann:***"),
            ("postgresql://host:5432,ann:1secret", "postgresql://host:5432,ann:***"),
            ("postgres:ann:secret", "postgres:***"),
            ("postgresql:/ann:secret@h/db", "postgresql:***@h/db"),
            ("postgresql://ann%3Asecret@h/db", "postgresql://ann%3A***@h/db"),
            ("postgresql://ann%3asecret%40h/db", "postgresql://ann%3a***"),
            ("postgresql://ann%3Ase:cret@h/db", "postgresql://ann%3A***@h/db"),
            ("password:secret", "password:***"),
            ("--PassWord:1234", "--PassWord:***"),
            ("password://:@%%3auser=", "password:***"),
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
