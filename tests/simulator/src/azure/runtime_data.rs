//! The runtime data of a paravisor. Keys and configuration come in; JSON without white space goes out, with its members in the
//! order of genuine ones.

use super::key::AttestationKey;
use crate::{derive, edit::Edit};

/// Runtime data, open to change.
#[derive(Clone, Debug)]
pub struct RuntimeData {
    /// The virtual TPM's keys.
    pub keys: Vec<JsonWebKey>,
    /// The configuration: names, and their values in JSON.
    pub vm_configuration: Vec<(String, String)>,
    /// What the guest put there, in hex; older paravisors have no place for it.
    pub user_data: Option<String>,
    /// Edits of the text before it is hashed.
    pub edits: Vec<Edit>,
}

/// A JSON Web Key.
#[derive(Clone, Debug)]
pub struct JsonWebKey {
    /// Its id.
    pub kid: String,
    /// What it is for, in JSON.
    pub key_ops: String,
    /// Its type.
    pub kty: String,
    /// The public exponent, base64url.
    pub e: String,
    /// The modulus, base64url.
    pub n: String,
}

impl JsonWebKey {
    /// An RSA key with exponent 65537.
    #[must_use]
    pub fn rsa(kid: &str, operation: &str, key: &AttestationKey) -> Self {
        Self {
            kid: kid.to_owned(),
            key_ops: format!("[{operation:?}]"),
            kty: "RSA".to_owned(),
            e: "AQAB".to_owned(),
            n: key.modulus(),
        }
    }

    fn text(&self) -> String {
        let Self { kid, key_ops, kty, e, n } = self;
        format!(r#"{{"kid":"{kid}","key_ops":{key_ops},"kty":"{kty}","e":"{e}","n":"{n}"}}"#)
    }
}

impl RuntimeData {
    /// The runtime data of a paravisor of 2026 with that attestation key.
    #[must_use]
    pub fn new(seed: &str, key: &AttestationKey) -> Self {
        let endorsement_key = AttestationKey::of(&format!("{seed}/HCLEkPub"));
        let id = derive::uuid(&format!("{seed}/vm")).to_uppercase();
        let configuration = [
            ("console-enabled", "true"),
            ("root-cert-thumbprint", "\"6nZZnYaJc4KqUZ_yvA-mucFdYNouvlPnITnNMXsHl-0\""),
            ("secure-boot", "true"),
            ("tpm-enabled", "true"),
            ("tpm-persisted", "false"),
            ("vmUniqueId", &format!("\"{id}\"")),
        ];
        Self {
            keys: vec![
                JsonWebKey::rsa("HCLAkPub", "sign", key),
                JsonWebKey::rsa("HCLEkPub", "encrypt", &endorsement_key),
            ],
            vm_configuration: configuration.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            user_data: Some("0".repeat(128)),
            edits: Vec::new(),
        }
    }

    /// The text.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let keys: Vec<_> = self.keys.iter().map(JsonWebKey::text).collect();
        let configuration: Vec<_> =
            self.vm_configuration.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
        let user_data = self.user_data.as_ref().map(|data| format!(r#","user-data":"{data}""#)).unwrap_or_default();
        let (keys, configuration) = (keys.join(","), configuration.join(","));
        let mut text = format!(r#"{{"keys":[{keys}],"vm-configuration":{{{configuration}}}{user_data}}}"#).into_bytes();
        self.edits.iter().for_each(|edit| edit.apply(&mut text));
        text
    }
}
