//! Collateral as one bundle (`QuoteCollateralV3`): documents, who signs them, revocation lists. Everything is open to
//! change before it is built.

use super::{
    documents::{QeIdentitySpec, TcbInfoSpec},
    quote::pem,
};
use crate::{
    edit::Edit,
    key::Key,
    x509::{CertificateSpec, CrlSpec},
};

/// A platform's collateral. Untouched, it vouches for the quotes of its vendor.
#[derive(Clone, Debug)]
pub struct Collateral {
    /// What versions are worth.
    pub tcb_info: TcbInfoSpec,
    /// How that is signed.
    pub tcb_info_signing: DocumentSigning,
    /// What the quoting enclave looks like.
    pub qe_identity: QeIdentitySpec,
    /// How that is signed.
    pub qe_identity_signing: DocumentSigning,
    /// The root's revocation list; `None` leaves the key out.
    pub root_crl: Option<CrlSpec>,
    /// The PCK CA's revocation list; `None` leaves the key out.
    pub pck_crl: Option<CrlSpec>,
    /// The PCK CA and the root.
    pub pck_issuers: Vec<CertificateSpec>,
}

/// How a document is signed.
#[derive(Clone, Debug)]
pub struct DocumentSigning {
    /// The certificates, root first, signer last.
    pub chain: Vec<CertificateSpec>,
    /// The key that signs; `None` is the signer's.
    pub key: Option<Key>,
    /// Edits of the text before it is signed, so that the signature verifies over them.
    pub before: Vec<Edit>,
    /// Edits of the text after it was signed.
    pub after: Vec<Edit>,
    /// Edits of the signature.
    pub signature: Vec<Edit>,
}

impl DocumentSigning {
    pub(super) fn by(chain: Vec<CertificateSpec>) -> Self {
        Self { chain, key: None, before: Vec::new(), after: Vec::new(), signature: Vec::new() }
    }

    /// The text and its signature in hex.
    #[expect(clippy::expect_used, reason = "a test that makes a text that is no UTF-8 means something else")]
    fn sign(&self, text: String) -> (String, String) {
        let mut text = text.into_bytes();
        self.before.iter().for_each(|edit| edit.apply(&mut text));
        let key = self.key.as_ref().or(self.chain.last().map(|signer| &signer.key));
        let mut signature = key.map(|key| key.sign(&text).fixed()).unwrap_or_default();
        self.signature.iter().for_each(|edit| edit.apply(&mut signature));
        self.after.iter().for_each(|edit| edit.apply(&mut text));
        (String::from_utf8(text).expect("the text is UTF-8"), hex::encode(signature))
    }

    /// The chain in PEM, signer first.
    #[must_use]
    pub fn pem(&self) -> String {
        chain_pem(&self.chain)
    }
}

fn chain_pem(chain: &[CertificateSpec]) -> String {
    let issuers = chain.iter().take(1).chain(chain);
    let certificates: Vec<_> = chain.iter().zip(issuers).map(|(spec, issuer)| spec.issued_by(issuer)).collect();
    certificates.iter().rev().map(|der| pem(der)).collect()
}

/// A JSON string. Nothing that occurs here needs more than these escapes.
fn string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

impl Collateral {
    /// The bundle.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let (tcb_info, tcb_info_signature) = self.tcb_info_signing.sign(self.tcb_info.json());
        let (qe_identity, qe_identity_signature) = self.qe_identity_signing.sign(self.qe_identity.json());
        let crl = |crl: &Option<CrlSpec>| crl.as_ref().map(|crl| hex::encode(crl.build()));
        let members = [
            ("pck_crl_issuer_chain", Some(chain_pem(&self.pck_issuers))),
            ("root_ca_crl", crl(&self.root_crl)),
            ("pck_crl", crl(&self.pck_crl)),
            ("tcb_info_issuer_chain", Some(self.tcb_info_signing.pem())),
            ("tcb_info", Some(tcb_info)),
            ("tcb_info_signature", Some(tcb_info_signature)),
            ("qe_identity_issuer_chain", Some(self.qe_identity_signing.pem())),
            ("qe_identity", Some(qe_identity)),
            ("qe_identity_signature", Some(qe_identity_signature)),
        ];
        let members =
            members.into_iter().filter_map(|(key, value)| Some(format!("{}:{}", string(key), string(&value?))));
        format!("{{{}}}", members.collect::<Vec<_>>().join(",")).into_bytes()
    }

    /// The same as the provisioning service answers: TCB info, QE identity, each as a document with its signature, and
    /// the chain of their signers in PEM, as the HTTP headers have it.
    #[must_use]
    pub fn responses(&self) -> [Vec<u8>; 3] {
        let (tcb_info, tcb_info_signature) = self.tcb_info_signing.sign(self.tcb_info.json());
        let (qe_identity, qe_identity_signature) = self.qe_identity_signing.sign(self.qe_identity.json());
        [
            format!(r#"{{"tcbInfo":{tcb_info},"signature":"{tcb_info_signature}"}}"#).into_bytes(),
            format!(r#"{{"enclaveIdentity":{qe_identity},"signature":"{qe_identity_signature}"}}"#).into_bytes(),
            self.tcb_info_signing.pem().into_bytes(),
        ]
    }
}
