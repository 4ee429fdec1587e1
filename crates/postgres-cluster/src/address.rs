//! How clients reach a server.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::error::ClusterError;

pub(crate) const SUPERUSER: &str = "postgres";

/// The port of a server, which also names its socket, and whether it listens on TCP.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) port: u16,
    /// Of the superuser. With one, the server listens on 127.0.0.1.
    pub(crate) password: Option<String>,
}

impl Address {
    /// Of a server that starts at once: another process may take the port meanwhile.
    pub(crate) fn free(password: Option<String>) -> Result<Self, ClusterError> {
        let port = match password {
            // The socket lies in a directory of its own, where no other server is.
            None => 5432,
            Some(_) => free_port()?,
        };
        Ok(Self { port, password })
    }

    pub(crate) fn socket_url(&self, directory: &Path, database: &str) -> String {
        let (host, database) = (encoded(directory.as_os_str().as_bytes()), encoded(database.as_bytes()));
        format!("postgresql://{SUPERUSER}@{host}:{}/{database}", self.port)
    }

    pub(crate) fn tcp_url(&self, database: &str) -> Option<String> {
        let password = encoded(self.password.as_ref()?.as_bytes());
        let database = encoded(database.as_bytes());
        Some(format!("postgresql://{SUPERUSER}:{password}@127.0.0.1:{}/{database}", self.port))
    }
}

fn free_port() -> Result<u16, ClusterError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(ClusterError::NoPort)?;
    Ok(listener.local_addr().map_err(ClusterError::NoPort)?.port())
}

/// As a part of a URL: RFC 3986 lets these characters stand for themselves everywhere.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_the_host_of_a_url() {
        let address = Address { port: 5432, password: None };
        let url = address.socket_url(Path::new("/var/tmp/pg-a"), "my db");
        assert_eq!(url, "postgresql://postgres@%2Fvar%2Ftmp%2Fpg-a:5432/my%20db");
    }

    #[test]
    fn a_password_may_hold_anything() {
        let address = Address { port: 6000, password: Some("a:/@ü".to_owned()) };
        let url = address.tcp_url("db").unwrap();
        assert_eq!(url, "postgresql://postgres:a%3A%2F%40%C3%BC@127.0.0.1:6000/db");
    }

    #[test]
    fn without_a_password_there_is_no_tcp() {
        assert_eq!(Address::free(None).unwrap().tcp_url("db"), None);
    }
}
