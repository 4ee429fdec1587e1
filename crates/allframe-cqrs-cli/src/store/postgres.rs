use std::{cell::Cell, fmt, sync::Arc};

use async_trait::async_trait;
use eventstore_api::{Appended, EventStoreBackend, GlobalPosition, Result, StoreError, StreamAppend};
use eventstore_postgres::{Migrations, PostgresBackend, PostgresConfig, PostgresError, SchemaName, identity};

use super::{
    Kind, Location, Named, OnEvent, Purpose, Store, Target, Verdict,
    check::check,
    target::{Measure, Runs},
};
use crate::{
    failure::{Failure, causes},
    progress::Progress,
    redacted::redacted,
};

pub(super) const KIND: Kind = Kind { form: "postgres://HOST/DATABASE#SCHEMA", named };

const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// A command asks one thing after the other.
const CONNECTIONS: usize = 2;

/// A schema of a database.
struct Schema {
    /// As the client library takes it.
    url: String,
    name: SchemaName,
}

fn named(url: &str) -> Option<Named> {
    if !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
        return None;
    }
    Some(match SchemaName::behind(url) {
        Ok((url, name)) => Ok(Box::new(Schema { url: url.to_owned(), name })),
        Err(error) => Err(Failure::Usage(error.to_string())),
    })
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", redacted(&self.url), self.name)
    }
}

impl Schema {
    async fn open(&self, migrations: Migrations) -> Result<PostgresBackend> {
        self.open_with(self.config(migrations)).await
    }

    async fn open_with(&self, config: PostgresConfig) -> Result<PostgresBackend> {
        PostgresBackend::with_config(&self.url, config).await
    }

    /// A store that is opened so, for much at once.
    async fn bulk(&self, config: PostgresConfig) -> Result<Box<dyn Target>> {
        let backend = self.open_with(config).await?;
        let head = backend.head().await?;
        let runs = Runs(Arc::new(backend.clone()));
        // Where nothing is, nothing can be there again.
        Ok(Box::new(Bulk {
            backend,
            runs,
            head: Cell::new(head),
            comes_again: Cell::new(head > GlobalPosition::START),
        }))
    }

    fn config(&self, migrations: Migrations) -> PostgresConfig {
        PostgresConfig {
            schema: self.name.clone(),
            migrations,
            pool_size: CONNECTIONS,
            ..PostgresConfig::default()
        }
    }
}

#[async_trait(?Send)]
impl Location for Schema {
    async fn for_reading(&self) -> Result<Store> {
        Ok(Arc::new(self.open(Migrations::Check).await?))
    }

    async fn for_writing(&self) -> Result<Box<dyn Target>> {
        self.bulk(self.config(Migrations::Run)).await
    }

    async fn for_filling(&self) -> Result<Box<dyn Target>> {
        self.bulk(PostgresConfig { bulk_load: true, ..self.config(Migrations::Run) }).await
    }

    async fn for_appending(&self) -> Result<Store> {
        Ok(Arc::new(self.open(Migrations::Run).await?))
    }

    async fn verified(&self, progress: &mut Progress) -> Result<Verdict> {
        check(&self.open(Migrations::Check).await?, progress, as_damage).await
    }

    async fn salvaged(&self, _: &mut OnEvent<'_>) -> Option<Result<Verdict>> {
        None
    }

    fn identity(&self) -> String {
        let [long, short] = SCHEMES;
        format!("{}#{}", self.url.replacen(short, long, 1), self.name)
    }

    async fn identity_by_its_server(&self) -> Result<Option<String>> {
        Ok(Some(identity(&self.url, &self.config(Migrations::Check)).await?.to_string()))
    }

    fn bytes(&self) -> Option<u64> {
        None
    }

    fn is_not_begun(&self, failed: &StoreError) -> bool {
        matches!(of_the_client(failed), Some(PostgresError::NotMigrated { found: 0, .. }))
    }

    fn advice(&self, failed: &StoreError, _purpose: Purpose) -> Option<&'static str> {
        match of_the_client(failed)? {
            PostgresError::NotMigrated { found: 0, .. } => Some(
                "name the schema of a store behind a `#` in the URL; `import`, `append`, `bench` and `migrate --to` begin one, \
                 and what only reads does not",
            ),
            PostgresError::NotMigrated { .. } => Some(
                "`recover` brings it up to date, with a role that may, and so does whatever writes to it",
            ),
            PostgresError::BulkLoad { .. } => Some(
                "wait for the migration that fills it; if it was cut off, run it again: it makes the indexes, and goes on; `recover` makes \
                 them too",
            ),
            PostgresError::Connect { .. } => Some(
                "see whether the server runs, and whether the URL names its host, port, user and database",
            ),
            _ => None,
        }
    }
}

/// All that an import brings at a time is one transaction, and goes to the server as a stream.
///
/// What is there already is known faster by appends that name many streams at once, so these are used as long as an
/// import that was cut off, or is repeated, brings what is there.
struct Bulk {
    backend: PostgresBackend,
    runs: Runs,
    /// The position of the last event that is known of: one at or before it was there.
    head: Cell<GlobalPosition>,
    comes_again: Cell<bool>,
}

#[async_trait(?Send)]
impl Target for Bulk {
    fn store(&self) -> &Store {
        self.runs.store()
    }

    fn measure(&self) -> Measure {
        Measure { events: 10_000, bytes: 8 << 20 }
    }

    async fn append_in_order(&self, appends: Vec<StreamAppend>, answers: &mut Vec<Appended>) -> Result<()> {
        match self.comes_again.get() {
            true => self.runs.append_in_order(appends, answers).await?,
            false => answers.extend(self.backend.import(appends).await?),
        }
        if let Some(last) = answers.last().map(|last| last.last_position) {
            self.comes_again.set(last <= self.head.get());
            self.head.set(self.head.get().max(last));
        }
        Ok(())
    }
}

/// What the server says of a page or an index that it cannot read: `data_corrupted`, `index_corrupted`.
fn as_damage(error: &StoreError) -> Option<String> {
    let server = of_the_client(error)?;
    let is_damage = server.code().is_some_and(|code| ["XX001", "XX002"].contains(&code.code()));
    is_damage.then(|| eventstore_api::message_with_causes(server))
}

fn of_the_client(error: &StoreError) -> Option<&PostgresError> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<(String, String), String> {
        match named(url).unwrap() {
            Ok(location) => {
                let shown = location.to_string();
                let (url, schema) = shown.rsplit_once('#').unwrap();
                Ok((url.to_owned(), schema.to_owned()))
            }
            Err(failure) => Err(failure.to_string()),
        }
    }

    #[test]
    fn the_schema_is_the_fragment_or_the_default() {
        for (url, expected) in [
            ("postgresql://host/app", "eventstore"),
            ("postgres://host/app#billing", "billing"),
            ("postgresql://ann@host/app?connect_timeout=1#billing_2", "billing_2"),
        ] {
            let (shown, schema) = parse(url).unwrap();
            assert_eq!(schema, expected);
            assert_eq!(shown, url.split('#').next().unwrap());
        }
    }

    #[test]
    fn what_is_no_name_of_a_schema_is_refused() {
        for name in ["", "Billing", "a-b", "pg_own", "a;drop"] {
            let refused = parse(&format!("postgresql://ann:secret@host/app#{name}")).unwrap_err();
            assert!(refused.starts_with(&format!("`{name}` is no name of a schema")), "{refused}");
        }
    }

    #[test]
    fn a_hash_in_a_password_is_no_fragment() {
        let (shown, schema) = parse("postgresql://ann:se#cret@host/app").unwrap();
        assert_eq!((shown.as_str(), schema.as_str()), ("postgresql://ann:***@host/app", "eventstore"));
    }

    #[test]
    fn other_schemes_are_of_other_stores() {
        assert!(named("wal:postgresql://host").is_none());
        assert!(named("postgres:app").is_none());
    }
}
