//! Encrypted connections, to a server with certificates that were made for the test.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::PathBuf,
    sync::LazyLock,
};

use crate::support::outcome::{append, cause, event, eventually, in_time, message, payloads};
use eventstore_api::StoreError;
use eventstore_postgres::{Identity, PostgresBackend, PostgresConfig, PostgresError, Roots, SchemaName, Tls};
use postgres_cluster::Cluster;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, SignatureAlgorithm,
};
use tempfile::TempDir;

const PASSWORD: &str = "secret";

/// Somebody who signs certificates, and where his own is.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    directory: TempDir,
}

impl Authority {
    fn new(name: &str, algorithm: &'static SignatureAlgorithm) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate_for(algorithm).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        fs::write(directory.path().join("root.pem"), certificate.pem()).unwrap();
        Self { issuer: Issuer::new(params, key), directory }
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root.pem")
    }

    /// A certificate and its key, both in PEM.
    fn sign(&self, common_name: &str, hosts: &[&str]) -> (String, String) {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn identity(&self, role: &str) -> Identity {
        let (certificate, key) = self.sign(role, &[]);
        let [certificates, key_file] =
            ["pem", "key"].map(|it| self.directory.path().join(format!("{role}.{it}")));
        fs::write(&certificates, certificate).unwrap();
        fs::write(&key_file, key).unwrap();
        Identity { certificates, key: key_file }
    }
}

/// A server that shows this certificate.
fn server_with((certificate, key): (String, String), authority: &Authority) -> Cluster {
    let mut cluster = Cluster::builder().tcp(PASSWORD).start().unwrap();
    let data = cluster.directory().join("data");
    let owner = fs::metadata(&data).unwrap();
    let root = fs::read_to_string(authority.root()).unwrap();
    for (name, pem) in [("server.crt", certificate), ("server.key", key), ("root.crt", root)] {
        let file = data.join(name);
        fs::write(&file, pem).unwrap();
        // It does not take a key that others can read.
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    cluster.psql("ALTER SYSTEM SET ssl_ca_file = 'root.crt'").unwrap();
    cluster.psql("ALTER SYSTEM SET ssl = on").unwrap();
    cluster.restart().unwrap();
    cluster
}

static AUTHORITY: LazyLock<Authority> =
    LazyLock::new(|| Authority::new("an authority", &PKCS_ECDSA_P256_SHA256));
static CLUSTER: LazyLock<Cluster> =
    LazyLock::new(|| server_with(AUTHORITY.sign("server", &["127.0.0.1"]), &AUTHORITY));

fn url(parameters: &str) -> String {
    format!("{}?{parameters}", CLUSTER.tcp_url().unwrap())
}

fn trusting(authority: &Authority, schema: &str) -> PostgresConfig {
    let tls = Tls { roots: Roots::Pem(authority.root()), identity: None };
    PostgresConfig { tls, ..of_schema(schema) }
}

fn of_schema(schema: &str) -> PostgresConfig {
    PostgresConfig { schema: SchemaName::new(schema).unwrap(), pool_size: 2, ..PostgresConfig::default() }
}

/// How many sessions of an application are encrypted, and how many there are.
fn encrypted(application: &str) -> (usize, usize) {
    let sql = format!(
        "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = '{application}'"
    );
    let sessions = CLUSTER.psql(&sql).unwrap();
    (sessions.lines().filter(|ssl| *ssl == "t").count(), sessions.lines().count())
}

async fn opened(url: &str, config: PostgresConfig) -> eventstore_api::Result<PostgresBackend> {
    in_time(PostgresBackend::with_config(url, config)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_to_a_server_that_shows_who_it_is_is_encrypted() {
    let config = trusting(&AUTHORITY, "verified");
    let store = opened(&url("sslmode=require&application_name=verified"), config).await.unwrap();
    append(&store, "account-1", &event("over TLS")).await.unwrap();
    assert_eq!(payloads(&store, "account-1").await, ["over TLS"]);
    let listens = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'verified' \
        AND (query ILIKE 'LISTEN%' OR query LIKE '%pg_notify%')";
    eventually("it listens", async || CLUSTER.psql(listens).unwrap() == "1").await;
    let (encrypted, all) = encrypted("verified");
    assert!(all >= 2 && encrypted == all, "{encrypted} of {all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_pages_come_over_tls_as_they_are() {
    let config = trusting(&AUTHORITY, "large");
    let store = opened(&url("sslmode=require"), config).await.unwrap();
    let large = "0123456789abcdef".repeat(1 << 16);
    append(&store, "account-1", &event(&large)).await.unwrap();
    assert_eq!(payloads(&store, "account-1").await, [large]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_trusted_has_signed_is_refused_for_good() {
    let other = Authority::new("somebody else", &PKCS_ECDSA_P256_SHA256);
    let error = opened(&url("sslmode=require"), trusting(&other, "stranger")).await.unwrap_err();
    assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
    assert!(matches!(cause(&error), PostgresError::Untrusted { .. }), "{error:?}");
    insta::assert_snapshot!(message(error), @"the storage failed: the server's certificate is not trusted; set `Tls::roots` to the certificate that signed it, and connect by a name that it is for: error performing TLS handshake: invalid peer certificate: UnknownIssuer");
    // Nor do those of the system know it.
    let error = opened(&url("sslmode=require"), of_schema("stranger")).await.unwrap_err();
    assert!(
        matches!(cause(&error), PostgresError::Untrusted { .. } | PostgresError::TlsFile { path: None, .. }),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_name_is_refused_for_good() {
    let url = url("sslmode=require").replace("127.0.0.1", "localhost");
    let error = opened(&url, trusting(&AUTHORITY, "misnamed")).await.unwrap_err();
    assert!(matches!(cause(&error), PostgresError::Untrusted { .. }), "{error:?}");
    assert!(message(error).contains("localhost"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_encrypted_connections_is_named_for_good() {
    let server = crate::support::server();
    let and = if server.contains('?') { '&' } else { '?' };
    let error = opened(&format!("{server}{and}sslmode=require"), of_schema("plain")).await.unwrap_err();
    assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
    assert!(matches!(cause(&error), PostgresError::NotEncrypted { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_being_asked_a_connection_is_encrypted_and_trusts_whoever_is_there() {
    let store = opened(&url("application_name=preferred"), of_schema("preferred")).await.unwrap();
    append(&store, "account-1", &event("over TLS")).await.unwrap();
    let (encrypted, all) = encrypted("preferred");
    assert!(all >= 1 && encrypted == all, "{encrypted} of {all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_whom_he_trusts_talks_to_nobody_else_though_the_url_asks_for_nothing() {
    let other = Authority::new("somebody else", &PKCS_ECDSA_P256_SHA256);
    let error = opened(&url("application_name=x"), trusting(&other, "stranger")).await.unwrap_err();
    assert!(matches!(cause(&error), PostgresError::Untrusted { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_to_be_encrypted_is_not() {
    let config = trusting(&AUTHORITY, "clear");
    let store = opened(&url("sslmode=disable&application_name=clear"), config).await.unwrap();
    append(&store, "account-1", &event("in clear")).await.unwrap();
    let (encrypted, all) = encrypted("clear");
    assert!(all >= 1 && encrypted == 0, "{encrypted} of {all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_bound_to_the_certificate() {
    // It fails where the client or the server has no binding to offer.
    let bound = url("sslmode=require&channel_binding=require");
    opened(&bound, trusting(&AUTHORITY, "bound")).await.unwrap();
    // With another hash than the usual one.
    let authority = Authority::new("an authority", &PKCS_ECDSA_P384_SHA384);
    let cluster = server_with(authority.sign("server", &["127.0.0.1"]), &authority);
    let bound = format!("{}?sslmode=require&channel_binding=require", cluster.tcp_url().unwrap());
    opened(&bound, trusting(&authority, "bound")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_who_we_are_is_shown_our_certificate() {
    let cluster = server_with(AUTHORITY.sign("server", &["127.0.0.1"]), &AUTHORITY);
    let rules = cluster.directory().join("data").join("pg_hba.conf");
    fs::write(&rules, "local all all trust\nhostssl all all 127.0.0.1/32 cert\n").unwrap();
    cluster.psql("SELECT pg_reload_conf()").unwrap();
    let rule = "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'cert'";
    eventually("the rules are read", async || cluster.psql(rule).unwrap() == "1").await;
    let url = format!("{}?sslmode=require", cluster.tcp_url().unwrap());

    let stranger = opened(&url, trusting(&AUTHORITY, "asked")).await.unwrap_err();
    assert!(matches!(cause(&stranger), PostgresError::Connect { .. }), "{stranger:?}");
    let mut config = trusting(&AUTHORITY, "asked");
    config.tls.identity = Some(AUTHORITY.identity("postgres"));
    let store = opened(&url, config).await.unwrap();
    append(&store, "account-1", &event("known")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_hold_no_certificate_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("nonsense.pem");
    fs::write(&file, "no certificate").unwrap();
    let of = |tls| PostgresConfig { tls, ..PostgresConfig::default() };
    let missing = Tls { roots: Roots::Pem(directory.path().join("missing.pem")), identity: None };
    let nonsense = Tls { roots: Roots::Pem(file.clone()), identity: None };
    let stranger = Identity { certificates: AUTHORITY.root(), key: file.clone() };
    let no_key = Tls { roots: Roots::Pem(AUTHORITY.root()), identity: Some(stranger) };
    let mut messages = Vec::new();
    for tls in [missing, nonsense, no_key] {
        let error = opened("postgresql://127.0.0.1/db", of(tls)).await.unwrap_err();
        assert!(matches!(cause(&error), PostgresError::TlsFile { path: Some(_), .. }), "{error:?}");
        messages.push(message(error).replace(directory.path().to_str().unwrap(), "DIRECTORY"));
    }
    insta::assert_snapshot!(messages.join("\n"), @r"
    the storage failed: the root certificates cannot be used for TLS: DIRECTORY/missing.pem: I/O error: No such file or directory (os error 2)
    the storage failed: the root certificates cannot be used for TLS: DIRECTORY/nonsense.pem: there is no certificate in it
    the storage failed: the key of our own certificate cannot be used for TLS: DIRECTORY/nonsense.pem: no items found
    ");
}
