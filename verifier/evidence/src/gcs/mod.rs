//! Google Confidential Space (`gcp-confidential-space`): tokens in which Google's verifier says what it found a workload's
//! machine to be.
//!
//! In: a token in compact serialisation; for OIDC tokens, Google's key set among the endorsements; for PKI tokens nothing, as
//! they bring the chain of their key. Out: authentic claims. What is read of a payload stands in [`claims`]. The order of the
//! checks: algorithm → issuer → key, for PKI tokens with its chain to the pinned root → signature → times → what the caller
//! expects. Google Cloud, Confidential Space documentation, "Attestation token claims" and "Attestation token validation".

mod claims;

use prooftrail_result::{EvidenceId, Kind, Reason, ReasonCode, Timestamp, claims::gcs};

use self::claims::Stated;
use crate::{
    authentic::Authentic,
    checks::Checks,
    context::{Context, RevocationMode},
    crypto::SignatureAlgorithm,
    expected,
    format::Format,
    jose::{Algorithm, Authority, ChainRule, Issuer, MAX_TOKEN_BYTES, Token},
    wanted::TokenIssuer,
    x509::{KeyType, Profile},
};

/// Who issues the tokens.
pub(crate) const ISSUER: &str = "https://confidentialcomputing.googleapis.com";
/// Where the issuer says that its keys are (its OpenID configuration); tokens name no place.
pub(crate) const KEY_SET: &str =
    "https://www.googleapis.com/service_accounts/v1/metadata/jwk/signer@confidentialspace-sign.iam.gserviceaccount.com";

/// The algorithms that it signs with.
pub(crate) const ALGORITHMS: &[Algorithm] = &[Algorithm::Rs256];

/// The chain of a PKI token's key: RSA with SHA-256 throughout. The CA between has the usage tcg-kp-EKCertificate
/// (2.23.133.8.1), the leaf none.
static CERTIFICATES: Profile = Profile {
    name: "google-confidential-space",
    algorithms: &[SignatureAlgorithm::RsaPkcs1Sha256],
    ca_key: KeyType::Rsa2048To4096,
    leaf_key: KeyType::Rsa2048To4096,
    leaf_usage: None,
    extended_key_usage: Some(&[&[0x67, 0x81, 0x05, 0x08, 0x01]]),
    leaf_leeway_seconds: 0,
};

/// Google: of PKI tokens by a chain of leaf, CA and root, exactly; of OIDC tokens by bare keys.
static GOOGLE: Issuer = Issuer {
    kind: Kind::GcpConfidentialSpace,
    vendor: "google",
    algorithms: ALGORITHMS,
    authority: Authority::HeaderOrKeySet(ChainRule { profile: &CERTIFICATES, length: 3..=3 }),
};

/// `gcp-confidential-space`.
#[derive(Clone, Copy, Debug)]
pub struct ConfidentialSpace;

/// A token that has the format.
#[derive(Debug)]
pub struct ConfidentialSpaceToken<'a> {
    token: Token<'a>,
    stated: Stated,
}

impl ConfidentialSpaceToken<'_> {
    /// Whether it brings the chain of its key.
    fn is_pki(&self) -> bool {
        self.token.compact.header.x5c.is_some()
    }

    /// Whose key set it needs: PKI tokens need none.
    pub(crate) fn token_issuer(&self) -> Option<TokenIssuer> {
        (!self.is_pki() && self.token.issuer == ISSUER).then_some(TokenIssuer::ConfidentialSpace)
    }
}

impl Format for ConfidentialSpace {
    const KIND: Kind = Kind::GcpConfidentialSpace;
    const MAX_BYTES: usize = MAX_TOKEN_BYTES;
    type Document<'a> = ConfidentialSpaceToken<'a>;

    fn parse(bytes: &[u8]) -> Result<ConfidentialSpaceToken<'_>, Reason> {
        Token::parse(bytes, claims::read).map(|(token, stated)| ConfidentialSpaceToken { token, stated })
    }

    fn signed_sha384(document: &ConfidentialSpaceToken<'_>, context: &Context<'_>) -> [u8; 48] {
        document.token.signed_sha384(context)
    }

    fn claimed_time(document: &ConfidentialSpaceToken<'_>) -> Option<Timestamp> {
        Some(document.token.claimed_time())
    }

    fn authenticate(
        document: ConfidentialSpaceToken<'_>,
        evidence_id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        let token_type = if document.is_pki() { "pki" } else { "oidc" };
        let ConfidentialSpaceToken { token, stated } = document;
        // Google publishes revocation for the CA alone, and no policy speaks of it: what was supplied is used.
        let (_, signer) = token.signer(&GOOGLE, check_issuer, RevocationMode::BestEffort, context, checks)?;
        token.verify(&signer, context, checks)?;
        let bound = expected::in_token(stated.nonces.as_ref(), &stated.audience, context.expected, checks)?;

        let mut authentic = token.authentic(evidence_id, stated.claims, &signer);
        authentic.claims.insert(gcs::TOKEN_TYPE, token_type);
        bound.claim(&mut authentic.claims);
        authentic.links = stated.links;
        Ok(authentic)
    }
}

/// Whether Google issued it, by its own word, and names no other place of its keys.
fn check_issuer(token: &Token<'_>) -> Result<&'static str, Reason> {
    if token.issuer != ISSUER {
        return Err(Reason::from(ReasonCode::TokenIssuer).have(&token.issuer).need(ISSUER));
    }
    token.compact.header.check_jku(&[KEY_SET]).map(|()| ISSUER)
}
