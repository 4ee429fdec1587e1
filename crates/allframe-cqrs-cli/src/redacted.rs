//! URLs as they may be shown: in messages, and so in logs.

/// What stands where a password was, or may have been.
const HIDDEN: &str = "***";

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
        return without_parameters(url);
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

/// Where a password may begin that is a setting of its own, and no parameter of a URL.
fn behind_a_setting(url: &str) -> Option<usize> {
    match url.split_once('?') {
        Some((before, _)) if behind_the_scheme(url) > 0 => behind_the_name_of_a_password(before),
        _ => behind_the_name_of_a_password(url),
    }
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
    let shown: Vec<String> = parameters.split('&').map(shown_parameter).collect();
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
    let mut begin = 0;
    text.split_inclusive('=').find_map(|part| {
        begin += part.len();
        part.strip_suffix('=').filter(|name| may_be_a_password(name)).map(|_| begin)
    })
}

/// A name that is encoded could be any, and so could one with letters that only look like those of a password.
fn may_be_a_password(name: &str) -> bool {
    !name.is_ascii() || name.contains('%') || name.to_ascii_lowercase().contains("pass")
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

        /// In quotes or not, and wherever one of them is missing.
        #[test]
        fn no_password_of_a_setting_is_ever_shown(
            before in "((host|user|dbname) ?= ?'?[a-z/.:@?ü]{0,6}'? ){0,3}",
            name in "(?i)password|sslpassword|passfile|passw%6frd|pässword",
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
            "postgresql://localhost/app",
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
                "postgresql://ann@host/app?sslpassword=***&a=b",
            ),
            ("host=db user=app password=secret", "host=db user=app password=***"),
            ("host=db password='se cret' user=app", "host=db password=***"),
            ("host=db password = secret", "host=db password =***"),
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
