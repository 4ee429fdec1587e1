//! Settings that are no parameters of a URL, as libpq takes them: `host=db password=secret`.

use super::{behind_the_scheme, is_around, kind_of};

/// What stores are named by behind which a directory stands.
const DIRECTORIES: [&str; 2] = ["wal:", "rocksdb:"];
/// What libpq and others call a password, or say where one is.
const SETTINGS: [&str; 5] = ["password", "passwd", "pwd", "sslpassword", "passfile"];
/// What there is in the name of a secret.
const PARTS: [&str; 4] = ["pass", "pwd", "secret", "token"];
/// Words in which the name of a secret is a part, and which name none.
const NO_SECRETS: [&str; 5] = ["passenger", "passport", "passage", "compass", "secretary"];

/// Where a password may begin that is a setting of its own, and no parameter of a URL.
pub(super) fn behind_a_setting(url: &str) -> Option<usize> {
    let kind = kind_of(url);
    if DIRECTORIES.contains(&kind.as_str()) {
        return None;
    }
    if is_a_setting_with_a_colon(&kind) {
        return Some(kind.len());
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

/// Whether it is such a name with a `:`: nobody takes that, and somebody writes it.
fn is_a_setting_with_a_colon(kind: &str) -> bool {
    kind.strip_suffix(':').is_some_and(|name| SETTINGS.contains(&name.trim_start_matches('-')))
}

/// Behind the first `=` of which this holds: what stands between the one before and it, and where it ends. It may be encoded, by whoever
/// encodes too much, or as a part of a value.
pub(super) fn behind_a_name(text: &str, is_one: impl Fn(&str, usize) -> bool) -> Option<usize> {
    const ENCODED: &str = "%3d";
    // Every letter keeps its place.
    let lower = text.to_ascii_lowercase();
    let mut begin = 0;
    loop {
        let rest = lower.get(begin..)?;
        let plain = rest.find('=').map(|at| (at, 1));
        let encoded = rest.find(ENCODED).map(|at| (at, ENCODED.len()));
        let (length, of_the_sign) = [plain, encoded].into_iter().flatten().min()?;
        let end = begin + length + of_the_sign;
        if is_one(text.get(begin..begin + length)?, end) {
            return Some(end);
        }
        begin = end;
    }
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
        None => names_a_secret(word),
    }
}

/// Whether it may be what people call a secret: `DB_PASSWORD`, `pgpass`, `api-token`. A path with a space in it has such words, too, of
/// which one is the beginning of `passenger=7`.
fn names_a_secret(word: &str) -> bool {
    let mut rest = word.to_ascii_lowercase();
    for harmless in NO_SECRETS {
        rest = rest.replace(harmless, "");
    }
    PARTS.iter().any(|part| rest.contains(part))
}

/// A name that is encoded could be any, and so could one with letters that only look like those of a password.
pub(super) fn may_be_a_password(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    !name.is_ascii() || lower.contains('%') || PARTS.iter().any(|part| lower.contains(part))
}

#[cfg(test)]
mod tests {
    use super::super::redacted;

    #[test]
    fn a_file_or_a_name_with_an_equals_sign_is_no_setting() {
        for name in [
            "exports/passenger=7/events.jsonl",
            "exports\\passenger=7\\events.jsonl",
            "year=2024/passenger=7/events.jsonl",
            "größe=5",
            "100%=7",
            "trip%20age=7",
            "wal:/data/passenger=7",
            "wal:/my data/passenger=7",
            "wal:passenger=7",
            "wal:größe=5",
            "rocksdb:pwd=7",
            "passenger=7",
            "my passenger=7.jsonl",
            "exports/my passenger=7/events.jsonl",
            "year=2024 passenger=7/events.jsonl",
            "by passport=1",
            "the secretary=ann",
            "compass=north",
            "two passengers=2",
        ] {
            assert_eq!(redacted(name), name);
        }
    }

    #[test]
    fn a_password_of_a_setting_is_not_shown() {
        for (url, expected) in [
            ("Pwd=secret;Host=db", "Pwd=***"),
            ("host=db user=app password=secret", "host=db user=app password=***"),
            ("host=db password='se cret' user=app", "host=db password=***"),
            ("host=db password = secret", "host=db password =***"),
            ("host=db password%3Dsecret", "host=db password%3D***"),
            ("passwd=secret", "passwd=***"),
            ("PGPASSWORD=secret", "PGPASSWORD=***"),
            ("//host/Password=secret", "//host/Password=***"),
            ("--password=secret", "--password=***"),
            ("host='/run/db'sslpassword=secret", "host='/run/db'sslpassword=***"),
            ("{\"password\"=secret}", "{\"password\"=***"),
            ("host/app?user=ann&password=secret", "host/app?user=ann&password=***"),
            ("postgresql://host/app pässword=secret", "postgresql://host/app pässword=***"),
            ("jdbc:postgresql://db/app;password=secret", "jdbc:postgresql://db/app;password=***"),
            ("a file pass=secret", "a file pass=***"),
            ("DB_PASS=secret", "DB_PASS=***"),
            ("db.password=secret", "db.password=***"),
            ("MYSQL_PWD=secret", "MYSQL_PWD=***"),
            ("client-secret=secret", "client-secret=***"),
            ("secret_key=secret", "secret_key=***"),
            ("host=db token=secret", "host=db token=***"),
            ("API_TOKEN = secret", "API_TOKEN =***"),
            ("passphrase=secret", "passphrase=***"),
            ("host=db user=app dbpass=secret", "host=db user=app dbpass=***"),
            ("password2=secret", "password2=***"),
            ("passwort=secret", "passwort=***"),
            ("secretkey=secret", "secretkey=***"),
            ("passengerpass=secret", "passengerpass=***"),
        ] {
            assert_eq!(redacted(url), expected);
        }
    }
}
