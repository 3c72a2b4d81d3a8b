//! Who may issue tokens of Azure Attestation: the providers of Microsoft's own cloud, shared ones
//! (`https://sharedweu.weu.attest.azure.net`) and those of tenants (`https://NAME.REGION.attest.azure.net`).
//!
//! In: the claim `iss`. Out: an [`Issuer`], whose key set has one place. Which providers are good, a policy says
//! (`maa.issuer`): anyone may have one, with attestation rules of their own. A provider of another cloud, or of Microsoft's
//! test rings, has another name and is refused.

use prooftrail_result::{Reason, ReasonCode};

/// Where providers of the public cloud live.
const DOMAIN: &str = ".attest.azure.net";
/// How they are reached.
const SCHEME: &str = "https://";
/// The longest name that the DNS has for a label.
const MAX_LABEL_BYTES: usize = 63;

/// A provider's URL, without the trailing slash that some write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Issuer(String);

impl Issuer {
    /// Reads an issuer.
    pub(crate) fn read(text: &str) -> Result<Self, Reason> {
        let url = text.strip_suffix('/').unwrap_or(text);
        let labels = url.strip_prefix(SCHEME).and_then(|host| host.strip_suffix(DOMAIN));
        let is_provider = labels.is_some_and(|labels| {
            let labels: Vec<_> = labels.split('.').collect();
            labels.len() == 2 && labels.into_iter().all(is_label)
        });
        if is_provider {
            return Ok(Self(url.to_owned()));
        }
        let have: String = text.chars().take(128).collect();
        Err(Reason::from(ReasonCode::TokenIssuer).have(have).need(format_args!("https://NAME.REGION{DOMAIN}")))
    }

    /// Where its keys are published.
    pub(super) fn key_source(&self) -> String {
        Self::key_source_of(&self.0)
    }

    /// Where a provider's keys are published, by its URL.
    pub(crate) fn key_source_of(url: &str) -> String {
        format!("{url}/certs")
    }

    /// The provider: name and region.
    pub(crate) fn provider(&self) -> &str {
        self.0.strip_prefix(SCHEME).and_then(|host| host.strip_suffix(DOMAIN)).unwrap_or_default()
    }

    /// The URL of a provider.
    pub(crate) fn url_of(provider: &str) -> String {
        format!("{SCHEME}{provider}{DOMAIN}")
    }
}

/// The URL.
impl AsRef<str> for Issuer {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

fn is_label(label: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && label.bytes().all(is_inside)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::Issuer;

    #[test]
    fn providers_of_the_public_cloud_are_issuers() {
        for text in ["https://sharedweu.weu.attest.azure.net", "https://my-provider1.eus2.attest.azure.net/"] {
            let issuer = Issuer::read(text).expect(text);
            assert_eq!(issuer.as_ref(), text.trim_end_matches('/'));
            assert_eq!(issuer.key_source(), format!("{}/certs", text.trim_end_matches('/')));
        }
    }

    #[test]
    fn nobody_else_is() {
        let long = format!("https://{}.weu.attest.azure.net", "a".repeat(64));
        for text in [
            "",
            "sharedweu.weu.attest.azure.net",
            "http://sharedweu.weu.attest.azure.net",
            "https://sharedweu.weu.attest.azure.net//",
            "https://sharedweu.weu.attest.azure.net/x",
            "https://sharedweu.weu.attest.azure.net:443",
            "https://sharedweu.weu.attest.azure.net?",
            "https://sharedweu.weu.attest.azure.net.evil.example",
            "https://evil.example/.weu.attest.azure.net",
            "https://evil.example#a.weu.attest.azure.net",
            "https://user@b.weu.attest.azure.net",
            "https://SHAREDWEU.weu.attest.azure.net",
            "https://weu.attest.azure.net",
            "https://a.b.weu.attest.azure.net",
            "https://.weu.attest.azure.net",
            "https://-a.weu.attest.azure.net",
            "https://a-.weu.attest.azure.net",
            "https://a%2e.weu.attest.azure.net",
            "https://attest.azure.net",
            "https://sharedweu.weu.attest.azure.us",
            "https://sharedweu.weu.test.attest.azure.net.",
            &long,
        ] {
            assert!(Issuer::read(text).is_err(), "{text}");
        }
    }
}
