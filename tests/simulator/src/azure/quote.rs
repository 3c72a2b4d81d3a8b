//! A virtual TPM's quote, field by field: TPMS_ATTEST with TPMS_QUOTE_INFO (TPM 2.0 Library, Part 2). Fields come in; message,
//! signature and register values go out.

use sha2::{Digest, Sha256};

use super::key::AttestationKey;
use crate::edit::Edit;

/// TPM_ALG_SHA256.
pub(super) const SHA256: u16 = 0x000B;

/// A quote before it is signed.
#[derive(Clone, Debug)]
pub struct Quote {
    /// TPM_GENERATED_VALUE.
    pub magic: u32,
    /// TPM_ST_ATTEST_QUOTE.
    pub attest_type: u16,
    /// The qualified name of the key.
    pub signer: Vec<u8>,
    /// qualifyingData of TPM2_Quote.
    pub extra_data: Vec<u8>,
    /// Milliseconds since the TPM was made.
    pub clock: u64,
    /// Resets of the TPM.
    pub reset_count: u32,
    /// Restarts and resumes since.
    pub restart_count: u32,
    /// 1 where the clock never ran ahead.
    pub safe: u8,
    /// The TPM's firmware.
    pub firmware_version: u64,
    /// The banks and the bitmaps of what is selected of them.
    pub selection: Vec<(u16, Vec<u8>)>,
    /// The registers of the SHA-256 bank.
    pub pcrs: [[u8; 32]; 24],
    /// The digest, where it is not that of the selected registers.
    pub digest: Option<Vec<u8>>,
    /// The values that are sent, where they are not those of the selected registers.
    pub sent: Option<Vec<[u8; 32]>>,
    /// Edits of the message before it is signed.
    pub before: Vec<Edit>,
    /// The key that signs, where it is not the paravisor's.
    pub key: Option<AttestationKey>,
    /// How the signature is sent.
    pub form: SignatureForm,
    /// Edits of the message after it was signed.
    pub after: Vec<Edit>,
    /// Edits of the signature as it is sent.
    pub signature: Vec<Edit>,
}

/// How a signature is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignatureForm {
    /// The number alone, as Trustee has it.
    Bare,
    /// TPMT_SIGNATURE with a scheme and a hash.
    Structure(u16, u16),
}

impl Quote {
    pub(super) fn new(seed: &str) -> Self {
        let signer = [SHA256.to_be_bytes().as_slice(), &Sha256::digest(format!("{seed}/qualified name"))].concat();
        let mut pcrs = [[0; 32]; 24];
        for (number, pcr) in pcrs.iter_mut().enumerate() {
            *pcr = match number {
                17..=22 => [0xFF; 32],
                16 | 23 => [0; 32],
                _ => Sha256::digest(format!("{seed}/pcr{number}")).into(),
            };
        }
        Self {
            magic: 0xFF54_4347,
            attest_type: 0x8018,
            signer,
            extra_data: Vec::new(),
            clock: 2_165_009,
            reset_count: 3,
            restart_count: 1,
            safe: 1,
            firmware_version: 0x2020_0312_0012_0003,
            selection: vec![(SHA256, vec![0xFF, 0xFF, 0xFF])],
            pcrs,
            digest: None,
            sent: None,
            before: Vec::new(),
            key: None,
            form: SignatureForm::Bare,
            after: Vec::new(),
            signature: Vec::new(),
        }
    }

    /// The values of the selected registers of the SHA-256 bank, in ascending order.
    #[must_use]
    pub fn selected(&self) -> Vec<[u8; 32]> {
        let banks = self.selection.iter().filter(|(bank, _)| *bank == SHA256);
        let bits = banks.flat_map(|(_, bitmap)| {
            bitmap.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).zip(&self.pcrs)
        });
        bits.filter(|(is_selected, _)| *is_selected).map(|(_, pcr)| *pcr).collect()
    }

    /// TPMS_ATTEST, as it is signed.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let sized = |bytes: &[u8]| [length(bytes).as_slice(), bytes].concat();
        let digest = self.digest.clone().unwrap_or_else(|| Sha256::digest(self.selected().concat()).to_vec());
        let count = u32::try_from(self.selection.len()).unwrap_or(u32::MAX);
        let selection = self.selection.iter().flat_map(|(bank, bitmap)| {
            let size = u8::try_from(bitmap.len()).unwrap_or(u8::MAX);
            [bank.to_be_bytes().as_slice(), &[size], bitmap].concat()
        });
        let mut message = [
            self.magic.to_be_bytes().as_slice(),
            &self.attest_type.to_be_bytes(),
            &sized(&self.signer),
            &sized(&self.extra_data),
            &self.clock.to_be_bytes(),
            &self.reset_count.to_be_bytes(),
            &self.restart_count.to_be_bytes(),
            &[self.safe],
            &self.firmware_version.to_be_bytes(),
            &count.to_be_bytes(),
            &selection.collect::<Vec<_>>(),
            &sized(&digest),
        ]
        .concat();
        self.before.iter().for_each(|edit| edit.apply(&mut message));
        message
    }

    /// Message, signature and register values as they are sent; `key` signs unless the quote names another.
    #[must_use]
    pub fn build(&self, key: &AttestationKey) -> (Vec<u8>, Vec<u8>, Vec<[u8; 32]>) {
        let mut message = self.message();
        let number = self.key.as_ref().unwrap_or(key).sign(&message);
        let mut signature = match self.form {
            SignatureForm::Bare => number,
            SignatureForm::Structure(scheme, hash) => {
                [scheme.to_be_bytes().as_slice(), &hash.to_be_bytes(), &length(&number), &number].concat()
            }
        };
        self.after.iter().for_each(|edit| edit.apply(&mut message));
        self.signature.iter().for_each(|edit| edit.apply(&mut signature));
        (message, signature, self.sent.clone().unwrap_or_else(|| self.selected()))
    }
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes()
}
