//! Commands and responses of a TPM as bytes, big endian (TPM 2.0 Library, part 1, §18; part 2, §§10–11).

use sha2::{Digest, Sha256};

/// TPM_RH_OWNER.
pub(super) const OWNER: u32 = 0x4000_0001;
/// TPM_ALG_SHA256.
pub(super) const SHA256: u16 = 0x000b;
/// TPM_ALG_RSASSA.
pub(super) const RSASSA: u16 = 0x0014;

/// TPM_ST_NO_SESSIONS and TPM_ST_SESSIONS.
const NO_SESSIONS: u16 = 0x8001;
const SESSIONS: u16 = 0x8002;

/// TPM_RS_PW, an empty nonce, continueSession, and an empty password.
const EMPTY_PASSWORD: [u8; 9] = [0x40, 0, 0, 9, 0, 0, 1, 0, 0];

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A command that grows in the order of its fields.
pub(super) struct Command {
    code: u32,
    tag: u16,
    body: Vec<u8>,
}

impl Command {
    pub(super) fn new(code: u32) -> Self {
        Self { code, tag: NO_SESSIONS, body: Vec::new() }
    }

    pub(super) fn handle(mut self, handle: u32) -> Self {
        self.body.extend(handle.to_be_bytes());
        self
    }

    /// The authorisation area: one handle that has an empty password.
    pub(super) fn password(mut self) -> Self {
        self.tag = SESSIONS;
        self.body.extend([0, 0, 0, 9]);
        self.body.extend(EMPTY_PASSWORD);
        self
    }

    pub(super) fn u16(mut self, value: u16) -> Self {
        self.body.extend(value.to_be_bytes());
        self
    }

    /// TPM2B. What is longer than it can say makes a command that every TPM refuses.
    pub(super) fn sized(self, bytes: &[u8]) -> Self {
        let mut with = self.u16(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
        with.body.extend(bytes);
        with
    }

    /// TPML_PCR_SELECTION of one bank.
    pub(super) fn selection(mut self, selection: [u8; 3]) -> Self {
        self.body.extend([0, 0, 0, 1]);
        let mut with = self.u16(SHA256);
        with.body.push(3);
        with.body.extend(selection);
        with
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let size = u32::try_from(self.body.len() + 10).unwrap_or(u32::MAX);
        [self.tag.to_be_bytes().as_slice(), &size.to_be_bytes(), &self.code.to_be_bytes(), &self.body].concat()
    }
}

/// A cursor that never reads past the end.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// TPM2B.
    pub(super) fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    /// The parameters of a response with sessions: as long as it says, before the sessions' answers.
    pub(super) fn parameters(mut self) -> Option<Self> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.take(length).map(Self)
    }
}
