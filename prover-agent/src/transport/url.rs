//! URLs of services, as people write them: `https://NAME` or `https://NAME:PORT`, and no more. In: the text; out: how to reach the
//! service.

use std::fmt;

use thiserror::Error;

use super::{Address, Dial, Tls, TlsError};

/// Where a service is, and whether TLS leads there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceUrl {
    is_tls: bool,
    /// Name and perhaps port, as written.
    host: String,
    name: String,
    address: Address,
}

/// Not such a URL.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("is no https:// URL")]
    Scheme,
    /// Without TLS, which nobody allowed.
    #[error("is not https://")]
    Insecure,
    /// A path, a query, a user; or no name.
    #[error("is a name and perhaps a port, no more")]
    Form,
}

impl ServiceUrl {
    /// Reads a URL. `insecure_http`: one without TLS is good enough.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn parse(text: &str, insecure_http: bool) -> Result<Self, UrlError> {
        let (is_tls, rest, port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest, 443),
            (None, Some(rest)) => (false, rest, 80),
            (None, None) => return Err(UrlError::Scheme),
        };
        let host = rest.strip_suffix('/').unwrap_or(rest);
        if host.is_empty() || host.contains(['/', '?', '#', '@']) {
            return Err(UrlError::Form);
        }
        if !is_tls && !insecure_http {
            return Err(UrlError::Insecure);
        }
        let address: Address = match host.parse() {
            Ok(address) => address,
            Err(_) => format!("{host}:{port}").parse().map_err(|_| UrlError::Form)?,
        };
        let Address::Tcp { host: name, .. } = &address else { return Err(UrlError::Form) };
        Ok(Self { is_tls, host: host.to_owned(), name: name.clone(), address })
    }

    /// Name and perhaps port, as the header `Host` has them.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What makes streams there, over another address where one is named. TLS ends here in either case, with the service's
    /// name; `authority` (PEM) alone is trusted, or Mozilla's list.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn dial(&self, via: Option<Address>, authority: Option<&[u8]>) -> Result<Box<dyn Dial>, TlsError> {
        let address = via.unwrap_or_else(|| self.address.clone());
        Ok(if self.is_tls { Box::new(Tls::new(address, &self.name, authority)?) } else { Box::new(address) })
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_tls { "https" } else { "http" }, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::{ServiceUrl, UrlError};

    #[test]
    fn names_and_ports_are_read_and_nothing_else() {
        for (text, port) in [
            ("https://a.example", "a.example:443"),
            ("https://a.example:8443/", "a.example:8443"),
            ("https://[::1]:8443", "[::1]:8443"),
            ("http://127.0.0.1:80", "127.0.0.1:80"),
            ("http://a.example", "a.example:80"),
        ] {
            let url = ServiceUrl::parse(text, true).unwrap();
            assert_eq!(url.address.to_string(), port);
            assert_eq!(url.to_string(), text.trim_end_matches('/'));
        }
        for (text, error) in [
            ("a.example", UrlError::Scheme),
            ("ftp://a.example", UrlError::Scheme),
            ("https://", UrlError::Form),
            ("https://a/b", UrlError::Form),
            ("https://u@a", UrlError::Form),
            ("https://a?b", UrlError::Form),
            ("https://unix:/a", UrlError::Form),
            ("https://vsock:3:1", UrlError::Form),
            ("https://a:b:c", UrlError::Form),
        ] {
            assert_eq!(ServiceUrl::parse(text, true), Err(error), "{text}");
        }
        assert_eq!(ServiceUrl::parse("http://a.example", false), Err(UrlError::Insecure));
        assert!(ServiceUrl::parse("https://a.example", false).is_ok());
    }
}
