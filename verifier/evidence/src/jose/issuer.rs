//! Whose key signed a token: the walk from a token to a key that counts, and from there to the signature.
//!
//! In: a token, what is known of its issuer ([`Issuer`]), roots and key sets. Out: [`Signer`], and with it whether the
//! signature is good. A key counts because its chain leads to a root, or, for issuers that publish bare keys, because the
//! roots list it or whoever supplied the key set vouches for it. The token's own word on where its keys are is followed
//! nowhere.

use std::{borrow::Cow, ops::RangeInclusive, sync::Arc};

use prooftrail_result::{
    Kind, Reason, ReasonCode, Timestamp, TrustAnchor,
    claims::{Claims, Value, cross_vendor},
};
use prooftrail_trust_roots::{KeyStanding, Root};

use super::{
    algorithm::Algorithm,
    compact::Compact,
    key::TokenKey,
    key_set::{self, Found, SetKey},
};
use crate::{
    authentic::{InputDigest, check},
    checks::Checks,
    context::{Context, RevocationMode},
    x509::{self, Chain, Profile, VerifiedCertificate},
};

/// What is known of an issuer.
#[derive(Debug)]
pub(crate) struct Issuer {
    /// The kind whose tokens it signs.
    pub(crate) kind: Kind,
    /// As in the claim `vendor`.
    pub(crate) vendor: &'static str,
    /// The algorithms that it signs with.
    pub(crate) algorithms: &'static [Algorithm],
    /// How its keys come to count.
    pub(crate) authority: Authority,
}

/// How an issuer's keys come to count.
#[derive(Debug)]
pub(crate) enum Authority {
    /// By the key set alone; certificates in it are no chain.
    KeySet,
    /// By a chain, where the last certificate of one is a root; else by the key set alone.
    ChainOrKeySet(ChainRule),
    /// By the chain in a token's header, where there is one; else by the key set alone.
    HeaderOrKeySet(ChainRule),
    /// By a chain, and in no other way.
    Chain(ChainRule),
}

/// What an issuer's chains look like.
#[derive(Debug)]
pub(crate) struct ChainRule {
    /// The profile of its certificates.
    pub(crate) profile: &'static Profile,
    /// How many certificates a chain has, from the leaf to the root, both counted.
    pub(crate) length: RangeInclusive<usize>,
}

/// The key that signs a token, and why it counts.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    /// The key.
    pub(crate) key: Arc<TokenKey>,
    /// What it signs with.
    algorithm: Algorithm,
    /// The key as its set has it, where that brings a certificate.
    pub(crate) leaf: Option<Arc<SetKey>>,
    /// SHA-256 of the key set in which it was found; none where the token brings a chain.
    pub(crate) key_set: Option<[u8; 32]>,
    /// The leaf, where a chain was verified.
    pub(crate) certificate: Option<Arc<VerifiedCertificate>>,
    /// SHA-256 of the root certificate, or of the key itself.
    pub(crate) root_sha256: [u8; 32],
    /// Who named the root, or vouches for the key.
    pub(crate) trust_anchor: TrustAnchor,
    /// Whether a simulator stands behind the root or the key.
    pub(crate) simulated: bool,
    /// The root, where it is the key itself and its set says that it is the issuer's.
    pub(crate) issuer_key: Option<[u8; 32]>,
    vendor: Cow<'static, str>,
}

impl Issuer {
    /// Finds the key that signs a token: in the chain that it brings, or by its id among the key sets at hand. `issuer` is what
    /// the token calls its issuer.
    pub(crate) fn signer(
        &self,
        token: &Compact<'_>,
        issuer: &str,
        algorithm: Algorithm,
        revocation: RevocationMode,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Signer, Reason> {
        if let (Authority::HeaderOrKeySet(rule), Some(_)) = (&self.authority, &token.header.x5c) {
            return self.signer_in_header(token, rule, algorithm, revocation, context, checks);
        }
        let Found { set, key } = checks.run(check::TOKEN_KEY, || {
            token.header.check_key_source()?;
            let kid = token.header.kid.as_deref();
            let kid = kid.ok_or_else(|| Reason::new(ReasonCode::TokenKeyUnknown, "the token names no key"))?;
            key_set::find(context.endorsements.key_sets(), issuer, kid, algorithm, context.crypto)
        })?;
        let signer = match &self.authority {
            Authority::KeySet | Authority::HeaderOrKeySet(_) => None,
            Authority::Chain(rule) => Some(self.certified(rule, &key.chain, algorithm, revocation, context, checks)?),
            Authority::ChainOrKeySet(rule) => {
                let last = key.chain.last().filter(|_| rule.length.contains(&key.chain.len()));
                let has_root = last.is_some_and(|last| context.roots.find_sent(self.kind, last).is_some());
                has_root
                    .then(|| self.certified(rule, &key.chain, algorithm, revocation, context, checks))
                    .transpose()?
            }
        };
        let signer = match signer {
            Some(signer) => signer,
            None => checks.run(check::ROOT, || self.listed(key.key.clone(), algorithm, context))?,
        };
        let is_named = signer.certificate.is_none() && set.names(issuer);
        let issuer_key = is_named.then_some(signer.root_sha256);
        Ok(Signer { key_set: Some(set.sha256), leaf: key.leaf.is_some().then_some(key), issuer_key, ..signer })
    }

    /// Takes the key that signs a token from the chain in the token's header.
    fn signer_in_header(
        &self,
        token: &Compact<'_>,
        rule: &ChainRule,
        algorithm: Algorithm,
        revocation: RevocationMode,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Signer, Reason> {
        let chain = checks.run(check::TOKEN_KEY, || {
            token.header.check_key_source()?;
            let texts = token.header.x5c.iter().flatten();
            texts.map(|text| key_set::certificate(text)).collect::<Result<Vec<_>, _>>()
        })?;
        let signer = self.certified(rule, &chain, algorithm, revocation, context, checks)?;
        algorithm.check_key(&signer.key.public)?;
        Ok(signer)
    }

    /// Verifies a chain, which ends in a root, and takes its leaf's key.
    fn certified(
        &self,
        rule: &ChainRule,
        chain: &[Vec<u8>],
        algorithm: Algorithm,
        revocation: RevocationMode,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Signer, Reason> {
        let root = checks.run(check::ROOT, || root_of(chain, rule, self.kind, context))?;
        let [leaf, cas @ .., _] = chain else { return Err(ReasonCode::ChainLength.into()) };
        let intermediates: Vec<&[u8]> = cas.iter().rev().map(Vec::as_slice).collect();
        let path = Chain { root: &root, intermediates: &intermediates, leaf };
        let certificate = x509::verify(path, rule.profile, revocation, context, checks)?;
        let key = Arc::new(TokenKey::of(&certificate.certificate, context.crypto)?);
        let Root { sha256: root_sha256, trust_anchor, simulated, .. } = *root;
        let vendor = root.vendor.clone().map_or(Cow::Borrowed(self.vendor), Cow::Owned);
        let signer = Signer::new(key, algorithm, root_sha256, trust_anchor, simulated, vendor);
        Ok(Signer { certificate: Some(certificate), ..signer })
    }

    /// A key that no chain vouches for.
    fn listed(&self, key: Arc<TokenKey>, algorithm: Algorithm, context: &Context<'_>) -> Result<Signer, Reason> {
        let root_sha256 = key.spki_sha256;
        let (trust_anchor, simulated) = match context.roots.key(self.kind, &root_sha256) {
            KeyStanding::Listed(root) => (root.trust_anchor, root.simulated),
            KeyStanding::Vouched => (TrustAnchor::Configured, false),
            KeyStanding::Unlisted => {
                let detail = "the key that signs the token is none of the keys that are named as roots";
                let have = format!("key with SHA-256 {}", hex::encode(root_sha256));
                return Err(Reason::new(ReasonCode::ChainRootNotPinned, detail).have(have));
            }
        };
        Ok(Signer::new(key, algorithm, root_sha256, trust_anchor, simulated, Cow::Borrowed(self.vendor)))
    }
}

/// The root in which a chain ends, byte for byte or by its digest.
fn root_of<'a>(
    chain: &[Vec<u8>],
    rule: &ChainRule,
    kind: Kind,
    context: &Context<'a>,
) -> Result<Cow<'a, Root>, Reason> {
    let length = chain.len();
    let Some(last) = chain.last().filter(|_| rule.length.contains(&length)) else {
        let need = format!("{} to {} certificates, from the leaf to the root", rule.length.start(), rule.length.end());
        return Err(Reason::from(ReasonCode::ChainLength).have(length).need(need));
    };
    context.roots.find_sent(kind, last).ok_or_else(|| {
        let sha256 = hex::encode(context.crypto.sha256(&[last]));
        Reason::from(ReasonCode::ChainRootNotPinned).have(format_args!("root with SHA-256 {sha256}"))
    })
}

impl Signer {
    /// A key and why it counts, of which it is not known yet where it was found.
    fn new(
        key: Arc<TokenKey>,
        algorithm: Algorithm,
        root_sha256: [u8; 32],
        trust_anchor: TrustAnchor,
        simulated: bool,
        vendor: Cow<'static, str>,
    ) -> Self {
        let (leaf, key_set, certificate, issuer_key) = (None, None, None, None);
        Self { key, algorithm, leaf, key_set, certificate, root_sha256, trust_anchor, simulated, issuer_key, vendor }
    }

    /// Verifies a token's signature.
    pub(crate) fn verify(&self, token: &Compact<'_>, context: &Context<'_>) -> Result<(), Reason> {
        let verified = self.algorithm.verify(&self.key.public, token.signed, &token.signature, context.crypto);
        verified.map_err(|_| ReasonCode::JwsSignature.into())
    }

    /// Claims whose word it is.
    pub(crate) fn claim(&self, claims: &mut Claims) {
        claims.insert(cross_vendor::VENDOR, self.vendor.as_ref());
        claims.insert(cross_vendor::TRUST_ANCHOR, self.trust_anchor.as_str());
        claims.insert(cross_vendor::ROOT_SHA256, vec![Value::from(self.root_sha256.as_slice())]);
        claims.insert(cross_vendor::SIMULATED, self.simulated);
        match &self.certificate {
            Some(certificate) => x509::claim_revocation(claims, &certificate.revocation),
            // Issuers of bare keys withdraw one by publishing it no longer.
            None => claims.insert(cross_vendor::REVOCATION, "not_published"),
        }
    }

    /// What the verdict rests on.
    pub(crate) fn inputs(&self) -> Vec<InputDigest> {
        let mut inputs = vec![InputDigest { role: "root", sha256: self.root_sha256 }];
        inputs.extend(self.key_set.map(|sha256| InputDigest { role: "key_set", sha256 }));
        let crls = self.certificate.iter().flat_map(|certificate| &certificate.revocation.crls);
        inputs.extend(crls.map(|&sha256| InputDigest { role: "crl", sha256 }));
        inputs
    }

    /// The last instant at which the key counts.
    pub(crate) fn valid_until(&self) -> Timestamp {
        self.certificate.as_ref().map_or(Timestamp::MAX, |certificate| certificate.valid_until())
    }
}
