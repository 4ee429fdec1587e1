use crate::{
    failure::Failure,
    redacted::redacted,
    store::{self, KNOWN, Location},
};

/// The store that the user names.
pub(crate) fn parse(url: Option<&str>) -> Result<Box<dyn Location>, Failure> {
    let Some(url) = url else {
        return Err(Failure::Usage(format!(
            "which store? say --store URL, or set EVENTSTORE_STORE; it can be {}",
            forms()
        )));
    };
    let found = KNOWN.iter().find_map(|kind| (kind.named)(url));
    found.unwrap_or_else(|| {
        Err(store::how_to_get(url).unwrap_or_else(|| {
            Failure::Usage(format!(
                "`{}` is no store that this program knows; it knows {}",
                redacted(url),
                forms()
            ))
        }))
    })
}

fn forms() -> String {
    let forms: Vec<String> = KNOWN.iter().map(|kind| format!("`{}`", kind.form)).collect();
    match forms.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => forms.concat(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_a_store_or_refused_and_no_password_is_repeated(
            begin in "(wal:|memory:|rocksdb:|postgres(ql)?://|[a-z]{0,4}:?/{0,2})",
            rest in "[ -~ü]{0,20}",
        ) {
            for url in [
                format!("{begin}{rest}"),
                format!("{begin}ann:SECRET@{rest}"),
                format!("{begin}password='SECRET {rest}'"),
            ] {
                let shown = match parse(Some(&url)) {
                    Ok(location) => location.to_string(),
                    Err(failure) => failure.to_string(),
                };
                // A directory is named as it is.
                let is_directory = url.starts_with("wal:") || url.starts_with("rocksdb:");
                prop_assert!(is_directory || !shown.contains("SECRET"), "{} is shown as {}", url, shown);
            }
        }
    }

    #[test]
    #[cfg(feature = "wal")]
    fn what_stands_behind_the_first_colon_is_the_directory() {
        for directory in ["./data", "C:\\data", "a:b", " "] {
            let url = format!("wal:{directory}");
            assert_eq!(parse(Some(&url)).ok().unwrap().to_string(), url);
        }
    }

    #[test]
    #[cfg(feature = "rocksdb")]
    fn so_it_is_for_rocksdb() {
        for directory in ["./data", "wal:data", "a:b"] {
            let url = format!("rocksdb:{directory}");
            assert_eq!(parse(Some(&url)).ok().unwrap().to_string(), url);
        }
    }

    #[test]
    #[cfg(not(feature = "rocksdb"))]
    fn a_store_that_was_left_out_is_refused_with_how_to_get_it() {
        let Err(failure) = parse(Some("rocksdb:./data")) else { panic!("it was taken") };
        assert_eq!(
            failure.to_string(),
            "this program was built without stores `rocksdb:`; build it with its feature `rocksdb`, as this does in a \
             clone of its repository: cargo install --path crates/allframe-cqrs-cli --features rocksdb"
        );
    }

    #[test]
    fn what_is_not_known_is_refused_with_what_is() {
        for url in ["", "wal", "./data", "memory", "memory:x", "WAL:data", "postgre://host/db", "postgres:db"]
        {
            let Err(failure) = parse(Some(url)) else { panic!("{url} was taken") };
            // What stands behind a colon may be a password.
            let shown = if url == "postgres:db" { "postgres:***" } else { url };
            assert!(failure.to_string().starts_with(&format!("`{shown}` is no store")), "{failure}");
        }
    }

    #[test]
    fn a_password_is_not_repeated_where_the_rest_is_wrong() {
        let Err(failure) = parse(Some("Postgresql://ann:secret@host/db")) else { panic!("it was taken") };
        assert!(failure.to_string().starts_with("`Postgresql://ann:***@host/db` is no store"), "{failure}");
        let Err(failure) = parse(Some("host=db user=ann password=secret")) else { panic!("it was taken") };
        assert!(failure.to_string().starts_with("`host=db user=ann password=***` is no store"), "{failure}");
    }
}
