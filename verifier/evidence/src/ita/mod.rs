//! Intel Trust Authority (`intel-trust-authority`): tokens in which Intel's service says what it found an attester to be: a
//! trust domain, an enclave, GPUs, or a trust domain with its GPUs.
//!
//! In: a token in compact serialisation, and the service's key set among the endorsements. Out: authentic claims. What
//! is read of a payload stands in [`claims`]. The order of the checks: algorithm → issuer → key, with its chain in the key set to a root
//! → the place of the keys → signature → times → what the hardware signed ([`binding`]) → what no policy can allow.
//! No root of the service is pinned, since its bytes are in no package: the operator names it.
//! Intel Trust Authority documentation, "Attestation tokens" and "Verify an attestation token".

mod binding;
mod claims;
mod gpu;

use prooftrail_result::{
    EvidenceId, Kind, Outcome, Reason, ReasonCode, Timestamp,
    claims::{Value, cross_vendor, ita},
};
use x509_cert::ext::pkix::KeyUsages;

use self::{
    claims::{Attester, Stated},
    gpu::Devices,
};
use crate::{
    authentic::{Authentic, Link, check},
    checks::Checks,
    context::Context,
    crypto::SignatureAlgorithm,
    format::Format,
    jose::{Algorithm, Authority, ChainRule, Issuer, MAX_TOKEN_BYTES, Token},
    wanted::TokenIssuer,
    x509::{KeyType, Profile},
};

/// The name that the service issues tokens under, wherever it runs.
pub(crate) const ISSUER: &str = "Intel Trust Authority";
/// Another one, of the one that runs in the United States and of the one in the European Union.
pub(crate) const PORTAL: &str = "https://portal.trustauthority.intel.com";
pub(crate) const PORTAL_EU: &str = "https://portal.eu.trustauthority.intel.com";
const ISSUERS: [&str; 3] = [ISSUER, PORTAL, PORTAL_EU];
/// Where each publishes its keys.
pub(crate) const KEY_SET: &str = "https://portal.trustauthority.intel.com/certs";
pub(crate) const KEY_SET_EU: &str = "https://portal.eu.trustauthority.intel.com/certs";
/// The algorithms that the service signs with.
pub(crate) const ALGORITHMS: &[Algorithm] = &[Algorithm::Ps384, Algorithm::Rs256];

/// The chain of a token's key: RSA throughout.
static CERTIFICATES: Profile = Profile {
    name: "intel-trust-authority",
    algorithms: &[
        SignatureAlgorithm::RsaPkcs1Sha256,
        SignatureAlgorithm::RsaPkcs1Sha384,
        SignatureAlgorithm::RsaPkcs1Sha512,
    ],
    ca_key: KeyType::Rsa2048To4096,
    leaf_key: KeyType::Rsa2048To4096,
    leaf_usage: Some(KeyUsages::DigitalSignature),
    extended_key_usage: None,
    leaf_leeway_seconds: 0,
};

/// The service. Its keys count by their chains alone: leaf, CA and root, exactly.
static SERVICE: Issuer = Issuer {
    kind: Kind::IntelTrustAuthority,
    vendor: "intel",
    algorithms: ALGORITHMS,
    authority: Authority::Chain(ChainRule { profile: &CERTIFICATES, length: 3..=3 }),
};

/// `intel-trust-authority`.
#[derive(Clone, Copy, Debug)]
pub struct TrustAuthority;

/// A token that has the format.
#[derive(Debug)]
pub struct TrustAuthorityToken<'a> {
    token: Token<'a>,
    stated: Stated,
}

impl TrustAuthorityToken<'_> {
    /// Whose key set it needs. Where the name does not tell, the place that the token says its keys have does: one of two.
    pub(crate) fn token_issuer(&self) -> Option<TokenIssuer> {
        match self.token.issuer.as_str() {
            PORTAL_EU => Some(TokenIssuer::TrustAuthorityEu),
            ISSUER if self.token.compact.header.jku.as_deref() == Some(KEY_SET_EU) => {
                Some(TokenIssuer::TrustAuthorityEu)
            }
            ISSUER | PORTAL => Some(TokenIssuer::TrustAuthority),
            _ => None,
        }
    }
}

impl Format for TrustAuthority {
    const KIND: Kind = Kind::IntelTrustAuthority;
    const MAX_BYTES: usize = MAX_TOKEN_BYTES;
    type Document<'a> = TrustAuthorityToken<'a>;

    fn parse(bytes: &[u8]) -> Result<TrustAuthorityToken<'_>, Reason> {
        Token::parse(bytes, claims::read).map(|(token, stated)| TrustAuthorityToken { token, stated })
    }

    fn signed_sha384(document: &TrustAuthorityToken<'_>, context: &Context<'_>) -> [u8; 48] {
        document.token.signed_sha384(context)
    }

    fn claimed_time(document: &TrustAuthorityToken<'_>) -> Option<Timestamp> {
        Some(document.token.claimed_time())
    }

    fn authenticate(
        TrustAuthorityToken { token, stated }: TrustAuthorityToken<'_>,
        evidence_id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        let Stated { claims, attester, hardware, devices } = stated;
        let (_, signer) = token.signer(&SERVICE, check_issuer, context.revocation.intel, context, checks)?;
        // A simulator, or a development system, has its keys elsewhere. They are not fetched from there either.
        if !signer.simulated {
            let jku = token.compact.header.check_jku(&[KEY_SET, KEY_SET_EU]);
            jku.inspect_err(|_| checks.failed(check::TOKEN_ISSUER))?;
        }
        token.verify(&signer, context, checks)?;
        let found = binding::check(&hardware, attester, devices.as_ref(), context, checks)?;

        let mut authentic = token.authentic(evidence_id, claims, &signer);
        let claims = &mut authentic.claims;
        claims.insert(ita::ISSUER, token.issuer.as_str());
        found.bound.claim(claims);
        let data = found.data.map(|data| context.crypto.sha256(&[&data]));
        claims.insert_if(ita::ATTESTER_HELD_DATA_SHA256, data.as_ref().map(<[u8; 32]>::as_slice));
        let revoked = claims.get(cross_vendor::TCB_STATUS) == Some(&Value::from(claims::REVOKED));
        let objections = &mut authentic.objections;
        objections.extend(revoked.then(|| Reason::from(ReasonCode::TcbRevoked).have(claims::REVOKED)));
        if attester == Attester::Other {
            let have = match claims.get(ita::ATTESTER_TYPE) {
                Some(said) => said.to_string(),
                None => "an attester that the token does not name".to_owned(),
            };
            objections.push(Reason::from(ReasonCode::ItaAttester).have(have).need("TDX, SGX or NVGPU"));
        }
        objections.extend(devices.iter().flat_map(|devices| devices.claim(claims)));
        authentic.links.extend(hardware.quote_sha256.map(Link::QuoteSha256));
        authentic.links.extend(devices.iter().flat_map(Devices::links));
        authentic.debug_applies = attester != Attester::NvGpu;
        checks.push(check::TCB, if revoked { Outcome::Failed } else { Outcome::Passed });
        Ok(authentic)
    }
}

/// The name that the service goes by, if it is one of its own.
fn check_issuer<'t>(token: &'t Token<'_>) -> Result<&'t str, Reason> {
    let is_known = ISSUERS.contains(&token.issuer.as_str());
    let refused = || Reason::from(ReasonCode::TokenIssuer).have(&token.issuer).need(ISSUERS.join(", "));
    is_known.then_some(token.issuer.as_str()).ok_or_else(refused)
}
