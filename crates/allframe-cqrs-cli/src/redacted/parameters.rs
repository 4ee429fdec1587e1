//! What stands behind the `?` of a URL.

use super::{
    HIDDEN,
    setting::{behind_a_name, may_be_a_password},
};

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

/// The URL without the values of parameters that are passwords, or may be.
pub(super) fn without_parameters(url: &str) -> String {
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
            is_behind_a_password |=
                may_be_a_password(name) || behind_the_name_of_a_password(parameter).is_some();
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
    // Its value has settings, with blanks between them that are encoded. Any other name that is encoded could be any.
    let has_settings = text.starts_with("options=");
    behind_a_name(text, |name, _| match has_settings {
        true => may_be_a_password(&name.replace("%20", " ")),
        false => may_be_a_password(name),
    })
}

#[cfg(test)]
mod tests {
    use super::super::redacted;

    #[test]
    fn a_password_of_a_parameter_is_not_shown() {
        for (url, expected) in [
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
            ("postgresql://h/db?pwd=secret", "postgresql://h/db?pwd=***"),
            (
                "postgresql://h/db?options=-c%20x.password%3Dsecret&user=ann",
                "postgresql://h/db?options=-c%20x.password%3D***&user=ann",
            ),
            ("postgresql://h/db?password%3dsecret", "postgresql://h/db?password%3d***"),
            (
                "postgresql://h/db?options=-c%20search_path%3Dapp#s",
                "postgresql://h/db?options=-c%20search_path%3Dapp#s",
            ),
        ] {
            assert_eq!(redacted(url), expected);
        }
    }
}
