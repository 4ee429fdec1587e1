use std::{fmt, time::Duration};

use crate::{Partitioning, PostgresError, ReplicaConfig, Tls};

/// How a store on PostgreSQL goes about its work. The default suits an application with one store.
///
/// ```
/// use eventstore_postgres::{PostgresConfig, SchemaName};
///
/// let config = PostgresConfig { schema: SchemaName::new("billing")?, pool_size: 8, ..PostgresConfig::default() };
/// assert_eq!(config.schema.as_str(), "billing");
/// # Ok::<(), eventstore_postgres::PostgresError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresConfig {
    /// The schema that holds the store, `eventstore` by default. A database holds as many stores as schemas.
    pub schema: SchemaName,
    /// What to do about the tables when the store is opened.
    pub migrations: Migrations,
    /// Whether the log is kept in partitions; `None`, the default, leaves it as it is: one table, unless it was opened with
    /// partitions before. Counts with [`Migrations::Run`] alone.
    pub partitioning: Option<Partitioning>,
    /// Whether a log that is empty is filled faster: for a store that is opened to [restore] all of another one into it, and closed when
    /// that is there. `false` by default; counts with [`Migrations::Run`], a log in one table and two connections or more alone.
    ///
    /// With the first 1,024 events or more that are restored at a time, two indexes are left out, and made when the store is
    /// [closed](eventstore_api::EventStoreBackend::close): of 1,000,000 events in a second or two, while they would have taken half
    /// of the time of all that is restored. They are made earlier when they are asked for (an append, the events of a stream, a
    /// filter), when fewer are restored at a time, as large ones are that fill a page by themselves, when a restore has failed,
    /// and when there are more than 1,000,000 streams, each of which takes its name and about 100 bytes of memory meanwhile.
    ///
    /// What it costs: whoever else reads waits until the first page is committed; and until the indexes are there whoever else has it open reads streams and appends as slowly as by looking at every event, and so
    /// does [`append_in`](crate::PostgresBackend::append_in). Who opens the store meanwhile, or where it was cut off, with
    /// [`Migrations::Run`] makes the indexes first; with [`Migrations::Check`], or a role that may not, he is refused
    /// ([`PostgresError::BulkLoad`]). So it is not for a store to which an application changes over while it runs.
    /// What is stored is stored, as always.
    ///
    /// [restore]: eventstore_api::EventStoreBackend::restore
    pub bulk_load: bool,
    /// The most connections to the primary at a time, 16 by default, beside the one that listens; at least 2 are taken. As
    /// many again go to a replica, where there is one.
    pub pool_size: usize,
    /// Whom to trust where connections are encrypted, and who we are. Whether they are, the URL says: see [`Tls`].
    pub tls: Tls,
    /// How long a call waits for a connection, and an append for those before it, until it answers
    /// [`StoreError::Unavailable`](eventstore_api::StoreError::Unavailable): 10 s by default. Nothing was sent then.
    pub acquire_timeout: Duration,
    /// How long it may take to open a connection to one host, 5 s by default; what the URL says in `connect_timeout` is for
    /// the socket alone.
    pub connect_timeout: Duration,
    /// How long the server works on one statement before it gives up, 30 s by default; `None` for what the server is
    /// configured to, and zero for no limit.
    pub statement_timeout: Option<Duration>,
    /// How long a call waits for the server's answer, 45 s by default. It is for servers that are frozen and networks that
    /// swallow what is sent, so it wants to be longer than `statement_timeout`, after which a server that is well has
    /// answered. Then the connection is closed, reads are
    /// [`StoreError::Unavailable`](eventstore_api::StoreError::Unavailable) and appends
    /// [`StoreError::OutcomeUnknown`](eventstore_api::StoreError::OutcomeUnknown).
    pub answer_timeout: Duration,
    /// How often a store that waits for events asks whether there are some, 250 ms by default. It hears of them sooner;
    /// this is for what it does not hear.
    pub poll_interval: Duration,
    /// A replica to read pages of events from, where it can show what it has to; none by default.
    pub replica: Option<ReplicaConfig>,
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            schema: SchemaName::default(),
            migrations: Migrations::default(),
            partitioning: None,
            bulk_load: false,
            pool_size: 16,
            tls: Tls::default(),
            acquire_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Some(Duration::from_secs(30)),
            answer_timeout: Duration::from_secs(45),
            poll_interval: Duration::from_millis(250),
            replica: None,
        }
    }
}

/// What to do about the tables of a store when it is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Migrations {
    /// Brings them up to date: makes the schema and the tables where there are none. It takes the right to do so only when
    /// something is missing.
    #[default]
    Run,
    /// Changes nothing, and refuses a store that is not up to date.
    Check,
}

/// The name of a schema: a letter from a to z or `_`, and up to 62 more of these or digits, and no word that SQL keeps for
/// itself.
///
/// It becomes a part of statements, so nothing that would have to be quoted gets in.
///
/// ```
/// use eventstore_postgres::SchemaName;
///
/// assert_eq!(SchemaName::default().as_str(), "eventstore");
/// assert!(SchemaName::new("billing_2").is_ok());
/// for refused in ["", "Billing", "2nd", "a-b", "a\"; DROP TABLE x; --", "pg_own", "order"] {
///     assert!(SchemaName::new(refused).is_err(), "{refused}");
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SchemaName(String);

const MOST_BYTES: usize = 63;

/// What is no name of a schema without quotes (`pg_get_keywords`, categories R and T), and the schema of the standard.
const RESERVED: &str = "information_schema all analyse analyze and any array as asc asymmetric authorization binary both \
    case cast check collate collation column concurrently constraint create cross current_catalog current_date \
    current_role current_schema current_time current_timestamp current_user default deferrable desc distinct do else end \
    except false fetch for foreign freeze from full grant group having ilike in initially inner intersect into is isnull \
    join lateral leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer \
    overlaps placing primary references returning right select session_user similar some symmetric system_user table \
    tablesample then to trailing true union unique user using variadic verbose when where window with";

impl SchemaName {
    /// The schema of this name.
    ///
    /// # Errors
    ///
    /// [`PostgresError::SchemaName`] when it holds anything else, is too long, or begins with `pg_`, which the server keeps for itself.
    pub fn new(name: impl Into<String>) -> Result<Self, PostgresError> {
        let name = name.into();
        let is_plain = |character: char| character.is_ascii_lowercase() || character == '_';
        let begins_well = name.starts_with(is_plain) && !name.starts_with("pg_");
        let goes_on_well = name.chars().all(|it| is_plain(it) || it.is_ascii_digit());
        let is_free = !RESERVED.split_ascii_whitespace().any(|word| word == name);
        match begins_well && goes_on_well && is_free && name.len() <= MOST_BYTES {
            true => Ok(Self(name)),
            false => Err(PostgresError::SchemaName { name }),
        }
    }

    /// The URL of a database, and the schema that stands behind a `#`: one text that names a store. Without one it is the
    /// default. For programs whose user says where the store is.
    ///
    /// ```
    /// use eventstore_postgres::SchemaName;
    ///
    /// let (url, schema) = SchemaName::behind("postgresql://app@localhost/app#billing")?;
    /// assert_eq!((url, schema.as_str()), ("postgresql://app@localhost/app", "billing"));
    /// // A password may hold one, if nobody has encoded it.
    /// let (url, schema) = SchemaName::behind("postgresql://app:a#b@localhost/app")?;
    /// assert_eq!((url, schema), ("postgresql://app:a#b@localhost/app", SchemaName::default()));
    /// # Ok::<(), eventstore_postgres::PostgresError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PostgresError::SchemaName`] when what stands behind the `#` is none.
    pub fn behind(url: &str) -> Result<(&str, Self), PostgresError> {
        match url.rsplit_once('#') {
            Some((_, behind)) if behind.contains(['@', '/', '?', '=']) => Ok((url, Self::default())),
            Some((url, name)) => Ok((url, Self::new(name)?)),
            None => Ok((url, Self::default())),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for SchemaName {
    fn default() -> Self {
        Self("eventstore".to_owned())
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
