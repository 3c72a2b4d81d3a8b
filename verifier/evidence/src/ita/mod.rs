//! Intel Trust Authority (`intel-trust-authority`): tokens in which Intel's service says what it found an attester to be: a
//! trust domain, an enclave, GPUs, or a trust domain with its GPUs.
//!
//! In: a token in compact serialisation, and the service's key set among the endorsements. Out: authentic claims. Parsing
//! stands in [`token`]; this file is the order of the checks: algorithm → issuer → key, with its chain in the key set to a root
//! → the place of the keys → signature → times → what the hardware signed ([`binding`]) → what no policy can allow.
//! No root of the service is pinned, since its bytes are in no package: the operator names it.
//! Intel Trust Authority documentation, "Attestation tokens" and "Verify an attestation token".

mod binding;
mod claims;
mod gpu;
mod token;

use prooftrail_result::{
    EvidenceId, Kind, Outcome, Reason, ReasonCode, Timestamp,
    claims::{Value, cross_vendor, ita},
};
use x509_cert::ext::pkix::KeyUsages;

use self::{
    gpu::Devices,
    token::{Attester, Token},
};
use crate::{
    authentic::{Authentic, Link, check},
    checks::Checks,
    context::Context,
    crypto::SignatureAlgorithm,
    format::Format,
    jose::{Algorithm, Authority, ChainRule, Compact, Issuer, MAX_TOKEN_BYTES, Times, Window},
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
    token: Compact<'a>,
    claims: Box<Token>,
    attester: Attester,
    devices: Option<Devices>,
    window: Window,
}

impl TrustAuthorityToken<'_> {
    /// Whose key set it needs. Where the name does not tell, the place that the token says its keys have does: one of two.
    pub(crate) fn token_issuer(&self) -> Option<TokenIssuer> {
        match self.claims.iss.as_str() {
            PORTAL_EU => Some(TokenIssuer::TrustAuthorityEu),
            ISSUER if self.token.header.jku.as_deref() == Some(KEY_SET_EU) => Some(TokenIssuer::TrustAuthorityEu),
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
        let token = Compact::parse(bytes)?;
        let claims: Box<Token> = token.claims()?;
        let window = Times { iat: claims.iat, nbf: claims.nbf, exp: claims.exp }.window()?;
        let (attester, devices) = (claims.attester()?, claims.nvgpu.as_ref().map(Devices::read).transpose()?);
        Ok(TrustAuthorityToken { token, claims, attester, devices, window })
    }

    fn signed_sha384(document: &TrustAuthorityToken<'_>, context: &Context<'_>) -> [u8; 48] {
        context.crypto.sha384(&[document.token.signed])
    }

    fn claimed_time(document: &TrustAuthorityToken<'_>) -> Option<Timestamp> {
        Some(document.window.issued_at)
    }

    fn authenticate(
        document: &TrustAuthorityToken<'_>,
        evidence_id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        let TrustAuthorityToken { token, claims: said, attester, devices, window } = document;
        let algorithm = checks.run(check::TOKEN_ALGORITHM, || token.algorithm(SERVICE.algorithms))?;
        checks.run(check::TOKEN_ISSUER, || {
            let is_known = ISSUERS.contains(&said.iss.as_str());
            is_known
                .then_some(())
                .ok_or_else(|| Reason::from(ReasonCode::TokenIssuer).have(&said.iss).need(ISSUERS.join(", ")))
        })?;
        let signer = SERVICE.signer(token, &said.iss, algorithm, context.revocation.intel, context, checks)?;
        // A simulator, or a development system, has its keys elsewhere. They are not fetched from there either.
        if !signer.simulated {
            token.header.check_jku(&[KEY_SET, KEY_SET_EU]).inspect_err(|_| checks.failed(check::TOKEN_ISSUER))?;
        }
        checks.run(check::SIGNATURE, || signer.verify(token, algorithm, context))?;
        checks.run(check::TOKEN_TIMES, || window.check(context.at))?;
        let found = binding::check(said.section(), *attester, devices.as_ref(), context, checks)?;

        let mut claims = claims::claims(said, *attester, *window, &signer);
        found.bound.claim(&mut claims);
        let data = found.data.map(|data| context.crypto.sha256(&[&data]));
        claims.insert_if(ita::ATTESTER_HELD_DATA_SHA256, data.as_ref().map(<[u8; 32]>::as_slice));
        let mut objections = Vec::new();
        let revoked = claims.get(cross_vendor::TCB_STATUS) == Some(&Value::from(claims::REVOKED));
        objections.extend(revoked.then(|| Reason::from(ReasonCode::TcbRevoked).have(claims::REVOKED)));
        if *attester == Attester::Other {
            let have = said.attester_type(*attester).unwrap_or("an attester that the token does not name");
            objections.push(Reason::from(ReasonCode::ItaAttester).have(have).need("TDX, SGX or NVGPU"));
        }
        objections.extend(devices.iter().flat_map(|devices| devices.claim(&mut claims)));
        let quote = said.section().quote_sha256().map(|sha256| Link::QuoteSha256(*sha256));
        let links = quote.into_iter().chain(devices.iter().flat_map(Devices::links)).collect();
        checks.push(check::TCB, if revoked { Outcome::Failed } else { Outcome::Passed });
        Ok(Authentic {
            evidence_id,
            claims,
            checks: Vec::new(),
            objections,
            valid_until: signer.valid_until().min(window.last()),
            trust_anchor: signer.trust_anchor,
            debug_applies: *attester != Attester::NvGpu,
            links,
            issuer_keys: signer.issuer_key.into_iter().collect(),
            inputs: signer.inputs(),
        })
    }
}
