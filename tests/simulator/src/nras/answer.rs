//! An answer before it is put together: the tokens of the devices are built first, then the overall one with their digests.

use sha2::{Digest, Sha256};

use crate::{
    edit::Edit,
    jose::{Json, Token},
};

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The token about all devices, without digests.
    pub overall: Token,
    /// The devices.
    pub devices: Vec<Device>,
    /// Digests in place of the devices' own.
    pub digests: Option<Json>,
    /// How the overall token is labelled.
    pub label: String,
    /// Edits of the finished JSON.
    pub after: Vec<Edit>,
}

/// A device of an answer.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// The token about it.
    pub token: Token,
    /// Whether the overall token names it.
    pub is_named: bool,
    /// Whether its token is sent.
    pub is_sent: bool,
    /// Edits of its token after its digest was taken.
    pub late: Vec<Edit>,
}

impl Answer {
    /// The JSON.
    ///
    /// # Panics
    /// When an edit leaves a token no text.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a token is text, whatever a test makes of it")]
    pub fn build(&self) -> Vec<u8> {
        let (mut submods, mut sent) = (Json::object([]), Json::object([]));
        for device in &self.devices {
            let token = device.token.build();
            let digest = hex::encode(Sha256::digest(&token));
            if device.is_named {
                let digest = vec!["DIGEST".into(), vec![Json::from("SHA-256"), digest.into()].into()];
                submods.append("", &device.name, digest);
            }
            if device.is_sent {
                let mut token = token.into_bytes();
                device.late.iter().for_each(|edit| edit.apply(&mut token));
                sent.append("", &device.name, String::from_utf8(token).expect("text"));
            }
        }
        let mut overall = self.overall.clone();
        overall.payload.set("submods", self.digests.clone().unwrap_or(submods));
        let overall = vec![self.label.as_str().into(), overall.build().into()];
        let mut json = Json::from(vec![overall.into(), sent]).to_string().into_bytes();
        self.after.iter().for_each(|edit| edit.apply(&mut json));
        json
    }
}
