use std::fmt;

use eventstore_api::{Result, Timestamp};

use crate::{
    PostgresConfig, SchemaName,
    columns::{get, moment},
    connection::Connections,
    error::of_read,
    requests,
    settings::Settings,
};

/// Which store it is that a URL and a schema name: where two are equal, it is the same one, however either is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoreIdentity {
    /// To the microsecond, and everybody may ask for it. The number that a server was given when it was made is that of its copies too, and
    /// not everywhere for everybody.
    server_started: Timestamp,
    /// The server's number of the database.
    database: u32,
    schema: SchemaName,
}

/// Asks a server which store it is that this URL and this schema name, whether or not there is one by now. Takes no rights but to
/// connect, and changes nothing.
///
/// A host has several names, and so has a database behind a pooler: the texts of two URLs do not tell whether they are of one store.
/// It holds until the server is started anew, so ask for both at once. A replica is another server than its primary; two machines of which
/// one is a copy of the other with all of its memory have one server, as far as this can tell.
///
/// It makes a connection of its own, for which it waits as long as [`PostgresConfig::acquire_timeout`] says, and then for the answer, as
/// long as [`PostgresConfig::answer_timeout`] says: 55 s in all by default. It may be dropped at any time; its connection is then
/// closed once it is made, or has answered, and after [`PostgresConfig::connect_timeout`] for each host, or
/// [`PostgresConfig::answer_timeout`], in any case.
///
/// ```no_run
/// use eventstore_postgres::{PostgresConfig, identity};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> eventstore_api::Result<()> {
/// let config = PostgresConfig::default();
/// let by_name = identity("postgresql://app@localhost/app", &config).await?;
/// let by_address = identity("postgresql://app@127.0.0.1/app", &config).await?;
/// assert_eq!(by_name, by_address);
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// Each with a [`PostgresError`](crate::PostgresError) as its source:
///
/// - [`StoreError::Unavailable`](eventstore_api::StoreError::Unavailable) where it may be otherwise later: the server cannot be reached
///   (`Connect`), has not let us in (`ConnectTimeout`) or not answered (`NoAnswer`) in time, or cannot answer now (`Server`).
/// - [`StoreError::Storage`](eventstore_api::StoreError::Storage) where it stays so: the URL cannot be read (`Url`), TLS cannot be had as
///   it says (`TlsFeature`, `TlsFile`), the server's certificate is not trusted (`Untrusted`) or it takes no encrypted connections (`NotEncrypted`), the password is wrong or there is no such
///   role or database (`Connect`), or the server does not let the role ask (`NotAllowed`) or does not understand it (`Server`).
pub async fn identity(url: &str, config: &PostgresConfig) -> Result<StoreIdentity> {
    const WHICH: &str =
        "SELECT pg_postmaster_start_time(), oid FROM pg_database WHERE datname = current_database()";
    let settings = Settings::of_primary(url, config)?;
    let connections = Connections::to(&settings, config)?;
    let connection = connections.get().await?;
    let row = connection.within(requests::row_once(&connection, WHICH, &[])).await.map_err(of_read);
    drop(connection);
    connections.close();
    let row = row?;
    Ok(StoreIdentity {
        server_started: moment(&row, 0)?,
        database: get(&row, 1)?,
        schema: config.schema.clone(),
    })
}

impl fmt::Display for StoreIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server_started, database, schema } = self;
        write!(
            f,
            "schema {schema} of database {database} on the server that was started at {} us",
            server_started.as_micros()
        )
    }
}
