use std::fmt;

use crate::{
    failure::Failure,
    store::{KNOWN, Kind},
};

/// Which store, as the user says it: a scheme, a colon, and what the scheme wants to know.
pub(crate) struct StoreUrl {
    pub(crate) kind: &'static Kind,
    /// What stands behind the colon.
    pub(crate) place: String,
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.scheme, self.place)
    }
}

pub(crate) fn parse(url: Option<&str>) -> Result<StoreUrl, Failure> {
    let Some(url) = url else {
        return Err(Failure::Usage(format!(
            "which store? say --store URL, or set EVENTSTORE_STORE; it can be {}",
            forms()
        )));
    };
    let found = url.split_once(':').and_then(|(scheme, place)| {
        let kind = KNOWN.iter().find(|kind| kind.scheme == scheme)?;
        (place.is_empty() != kind.has_place).then(|| StoreUrl { kind, place: place.to_owned() })
    });
    found.ok_or_else(|| {
        Failure::Usage(format!("`{url}` is no store that this program knows; it knows {}", forms()))
    })
}

fn forms() -> String {
    let forms: Vec<String> = KNOWN.iter().map(|kind| format!("`{}`", kind.form)).collect();
    forms.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "wal")]
    fn what_stands_behind_the_first_colon_is_the_place() {
        for place in ["./data", "C:\\data", "a:b", " "] {
            let url = parse(Some(&format!("wal:{place}"))).unwrap();
            assert_eq!((url.kind.scheme, url.place.as_str()), ("wal", place));
        }
    }

    #[test]
    fn what_is_not_known_is_refused_with_what_is() {
        for url in ["", "wal", "wal:", "./data", "memory", "memory:x", "WAL:data", "postgres://host/db"] {
            let Err(failure) = parse(Some(url)) else { panic!("{url} was taken") };
            assert!(failure.to_string().starts_with(&format!("`{url}` is no store")), "{failure}");
        }
    }
}
