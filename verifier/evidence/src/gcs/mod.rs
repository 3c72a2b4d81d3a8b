//! Google Confidential Space (`gcp-confidential-space`): tokens in which Google's verifier says what it found a workload's
//! machine to be.
//!
//! In: a token in compact serialisation; for OIDC tokens, Google's key set among the endorsements; for PKI tokens nothing, as
//! they bring the chain of their key. Out: authentic claims. Parsing stands in [`token`]; this file is the order of the
//! checks: algorithm → issuer → key, for PKI tokens with its chain to the pinned root → signature → times → what the caller
//! expects. Google Cloud, Confidential Space documentation, "Attestation token claims" and "Attestation token validation".

mod claims;
mod token;

use prooftrail_result::{EvidenceId, Kind, Reason, ReasonCode, Timestamp};

use self::token::Token;
use crate::{
    authentic::{Authentic, check},
    checks::Checks,
    context::{Context, RevocationMode},
    crypto::SignatureAlgorithm,
    expected,
    format::Format,
    jose::{Algorithm, Authority, ChainRule, Compact, Issuer, MAX_TOKEN_BYTES, Times, Window},
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

/// A PKI token's chain: leaf, CA and root, exactly.
static CHAIN: ChainRule = ChainRule { profile: &CERTIFICATES, length: 3..=3 };

/// Google, as the issuer of OIDC tokens by bare keys.
static GOOGLE: Issuer =
    Issuer { kind: Kind::GcpConfidentialSpace, vendor: "google", algorithms: ALGORITHMS, authority: Authority::KeySet };

/// `gcp-confidential-space`.
#[derive(Clone, Copy, Debug)]
pub struct ConfidentialSpace;

/// A token that has the format.
#[derive(Debug)]
pub struct ConfidentialSpaceToken<'a> {
    token: Compact<'a>,
    claims: Box<Token>,
    window: Window,
}

impl ConfidentialSpaceToken<'_> {
    /// Whose key set it needs: PKI tokens need none.
    pub(crate) fn token_issuer(&self) -> Option<TokenIssuer> {
        (self.token.header.x5c.is_none() && self.claims.iss == ISSUER).then_some(TokenIssuer::ConfidentialSpace)
    }
}

impl Format for ConfidentialSpace {
    const KIND: Kind = Kind::GcpConfidentialSpace;
    const MAX_BYTES: usize = MAX_TOKEN_BYTES;
    type Document<'a> = ConfidentialSpaceToken<'a>;

    fn parse(bytes: &[u8]) -> Result<ConfidentialSpaceToken<'_>, Reason> {
        let token = Compact::parse(bytes)?;
        let claims: Box<Token> = token.claims()?;
        claims.check_devices()?;
        let window = Times { iat: claims.iat, nbf: claims.nbf, exp: claims.exp }.window()?;
        Ok(ConfidentialSpaceToken { token, claims, window })
    }

    fn signed_sha384(document: &ConfidentialSpaceToken<'_>, context: &Context<'_>) -> [u8; 48] {
        context.crypto.sha384(&[document.token.signed])
    }

    fn claimed_time(document: &ConfidentialSpaceToken<'_>) -> Option<Timestamp> {
        Some(document.window.issued_at)
    }

    fn authenticate(
        document: &ConfidentialSpaceToken<'_>,
        evidence_id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        let ConfidentialSpaceToken { token, claims, window } = document;
        let algorithm = checks.run(check::TOKEN_ALGORITHM, || token.algorithm(GOOGLE.algorithms))?;
        checks.run(check::TOKEN_ISSUER, || {
            if claims.iss != ISSUER {
                return Err(Reason::from(ReasonCode::TokenIssuer).have(&claims.iss).need(ISSUER));
            }
            token.header.check_jku(&[KEY_SET])
        })?;
        // Google publishes revocation for the CA alone, and no policy speaks of it: what was supplied is used.
        let revocation = RevocationMode::BestEffort;
        let is_pki = token.header.x5c.is_some();
        let signer = if is_pki {
            GOOGLE.signer_in_header(token, algorithm, &CHAIN, revocation, context, checks)?
        } else {
            GOOGLE.signer(token, ISSUER, algorithm, revocation, context, checks)?
        };
        checks.run(check::SIGNATURE, || signer.verify(token, algorithm, context))?;
        checks.run(check::TOKEN_TIMES, || window.check(context.at))?;
        let bound = expected::in_token(claims.eat_nonce.as_ref(), &claims.aud, context.expected, checks)?;

        let mut established = claims::claims(claims, *window, is_pki, &signer);
        bound.claim(&mut established);
        Ok(Authentic {
            evidence_id,
            claims: established,
            checks: Vec::new(),
            objections: Vec::new(),
            valid_until: signer.valid_until().min(window.last()),
            trust_anchor: signer.trust_anchor,
            debug_applies: true,
            links: claims.links(),
            issuer_keys: signer.issuer_key.into_iter().collect(),
            inputs: signer.inputs(),
        })
    }
}
