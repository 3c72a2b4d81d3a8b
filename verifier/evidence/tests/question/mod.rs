//! What the tests of tokens ask: evidence with everything around it, of both providers of cryptography, which must agree; and
//! once more beside everything that was found good before, which may change nothing.

#[path = "../everything/mod.rs"]
mod everything;

use std::sync::LazyLock;

use prooftrail_evidence::{
    Authentic, AwsLc, Context, Crypto, Endorsements, Expected, NoIssuers, Refusal, Revocation, RustCrypto,
    VerifiedIssuers, authenticate,
};
use prooftrail_result::{Kind, Outcome, ReasonCode, Timestamp, TrustAnchor};
use prooftrail_trust_roots::RootSet;

use self::everything::Everything;

/// All that a test's questions have found good.
static KNOWN: LazyLock<Everything> = LazyLock::new(Everything::default);

/// Everything around evidence.
pub(crate) struct Question<'a> {
    pub(crate) kind: Kind,
    pub(crate) files: &'a [Vec<u8>],
    pub(crate) roots: &'a RootSet,
    pub(crate) revocation: Revocation,
    /// Seconds since the Unix epoch.
    pub(crate) at: i64,
    pub(crate) expected: Expected<'a>,
}

impl Question<'_> {
    /// The verdict on evidence.
    pub(crate) fn ask(&self, evidence: &[u8]) -> Result<Authentic, Refusal> {
        let run = |crypto: &dyn Crypto, issuers: &dyn VerifiedIssuers| {
            let unread = |reason| Refusal { evidence_id: None, checks: Vec::new(), reason };
            let endorsements = Endorsements::read(crypto, self.files.iter().map(Vec::as_slice)).map_err(unread)?;
            let context = Context {
                crypto,
                roots: self.roots,
                endorsements: &endorsements,
                issuers,
                revocation: self.revocation,
                at: Timestamp::from_unix_seconds(self.at).unwrap(),
                expected: self.expected,
            };
            authenticate(self.kind, evidence, &context)
        };
        let native = run(&AwsLc, &NoIssuers);
        assert_eq!(native, run(&RustCrypto, &NoIssuers), "the providers agree");
        for time in ["first", "second"] {
            assert_eq!(native, run(&AwsLc, &*KNOWN), "nothing that is known changes the verdict, the {time} time");
        }
        native
    }
}

/// The roots of a manifest that names one file.
pub(crate) fn configured(manifest: &str, file: &[u8]) -> RootSet {
    RootSet::from_manifest(manifest, TrustAnchor::Configured, |_| Ok::<_, String>(file.to_vec())).unwrap()
}

/// Why evidence was refused; the last check of a refusal is the one that failed.
pub(crate) fn refusal_code(verdict: Result<Authentic, Refusal>) -> ReasonCode {
    let refusal = verdict.expect_err("refused");
    if let Some(last) = refusal.checks.last() {
        assert_eq!(last.outcome, Outcome::Failed);
    }
    refusal.reason.code
}
