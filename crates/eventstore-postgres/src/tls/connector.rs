//! Connections over rustls.

use std::{
    error::Error as _,
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Config, Socket,
    config::{SslMode, SslNegotiation},
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect},
};
use tokio_rustls::{
    TlsConnector, client,
    rustls::{ClientConfig, Error, crypto::ring, pki_types::ServerName},
};

use super::{Roots, Tls, end_point, files, unverified};
use crate::PostgresError;

/// What PostgreSQL calls itself where TLS begins without being asked for, see its documentation of the protocol.
const PROTOCOL: &[u8] = b"postgresql";

/// Makes what a connection speaks before PostgreSQL.
#[derive(Clone)]
pub(crate) struct Connector(Arc<ClientConfig>);

/// How the connections of these settings are encrypted. It may turn `prefer` into `require`.
///
/// # Errors
///
/// [`PostgresError::TlsFile`], when certificates or a key cannot be read.
pub(crate) fn connector(settings: &mut Config, tls: &Tls) -> Result<Connector, PostgresError> {
    // Who says whom he trusts does not want to talk to others, nor in clear.
    if settings.get_ssl_mode() == SslMode::Prefer && tls.roots != Roots::System {
        settings.ssl_mode(SslMode::Require);
    }
    let provider = Arc::new(ring::default_provider());
    let broken =
        |error: Error| PostgresError::TlsFile { what: "this program", path: None, source: error.into() };
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(broken)?;
    let builder = match settings.get_ssl_mode() {
        SslMode::Disable | SslMode::Prefer => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(unverified::Anyone(provider)))
        }
        _ => builder.with_root_certificates(files::roots(&tls.roots)?),
    };
    let mut config = match &tls.identity {
        Some(identity) if settings.get_ssl_mode() != SslMode::Disable => {
            let (certificates, key) = files::identity(identity)?;
            builder.with_client_auth_cert(certificates, key).map_err(|error| PostgresError::TlsFile {
                what: "the key of our own certificate",
                path: Some(identity.key.clone()),
                source: error.into(),
            })?
        }
        _ => builder.with_no_client_auth(),
    };
    if settings.get_ssl_negotiation() == SslNegotiation::Direct {
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
    }
    Ok(Connector(Arc::new(config)))
}

/// Whether the server takes no encrypted connections there. The client says so in words, and in nothing else.
pub(crate) fn is_not_offered(error: &tokio_postgres::Error) -> bool {
    error.source().is_some_and(|source| source.to_string() == "server does not support TLS")
}

/// Whether the server was refused for its certificate.
pub(crate) fn is_untrusted(error: &tokio_postgres::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let of_tls = source.and_then(io::Error::get_ref).and_then(|source| source.downcast_ref::<Error>());
    matches!(of_tls, Some(Error::InvalidCertificate(_) | Error::NoCertificatesPresented))
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Stream;
    type TlsConnect = ToHost;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<ToHost> {
        Ok(ToHost { config: Arc::clone(&self.0), host: host.to_owned() })
    }
}

/// Makes one connection, to a host of this name.
pub(crate) struct ToHost {
    config: Arc<ClientConfig>,
    host: String,
}

impl TlsConnect<Socket> for ToHost {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            // Looked at only here: a unix socket has no name, and never comes so far.
            let name = ServerName::try_from(self.host)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            TlsConnector::from(self.config).connect(name, socket).await.map(Stream)
        })
    }
}

/// What PostgreSQL is spoken over.
pub(crate) struct Stream(client::TlsStream<Socket>);

impl tokio_postgres::tls::TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        let certificates = self.0.get_ref().1.peer_certificates();
        match certificates.and_then(<[_]>::first).and_then(|own| end_point::hash(own)) {
            Some(hash) => ChannelBinding::tls_server_end_point(hash),
            None => ChannelBinding::none(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(context)
    }
}
