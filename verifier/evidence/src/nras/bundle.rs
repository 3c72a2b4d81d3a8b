//! The answer of NVIDIA's service: one token about all devices, and one token for each (a detached EAT bundle, RFC 9711,
//! section 5, as `/v3/attest/…` and `/v4/attest/…` write it).
//!
//! ```text
//! [["JWT", OVERALL], {"GPU-0": TOKEN, "GPU-1": TOKEN, …}]
//! ```
//!
//! In: JSON. Out: [`Bundle`], the devices in the order of their numbers. What a local verifier prints is an object, in which
//! such a bundle stands unsigned, and is none.

use std::borrow::Cow;

use prooftrail_result::{Reason, ReasonCode};

use crate::{
    jose::Compact,
    json::{JsonError, Node},
};

/// More devices than any machine has.
const MAX_DEVICES: usize = 64;

/// The tokens of an answer.
#[derive(Debug)]
pub(super) struct Bundle<'a> {
    pub(super) overall: Compact<'a>,
    /// By family and number.
    pub(super) devices: Vec<(DeviceName, Compact<'a>)>,
}

/// What a device is called within an answer: `GPU-0`, `SWITCH-0`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct DeviceName {
    pub(super) family: DeviceFamily,
    number: u16,
}

/// A family of devices.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum DeviceFamily {
    Gpu,
    Switch,
}

impl DeviceName {
    /// Reads a name. Numbers have no leading zeros, so that no device has two names.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (family, digits) = match text.split_once('-')? {
            ("GPU", digits) => (DeviceFamily::Gpu, digits),
            ("SWITCH", digits) => (DeviceFamily::Switch, digits),
            _ => return None,
        };
        let is_number =
            digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits.len() == 1 || !digits.starts_with('0'));
        let number = digits.parse().ok().filter(|_| is_number)?;
        Some(Self { family, number })
    }
}

impl std::fmt::Display for DeviceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let family = match self.family {
            DeviceFamily::Gpu => "GPU",
            DeviceFamily::Switch => "SWITCH",
        };
        write!(f, "{family}-{}", self.number)
    }
}

impl<'a> Bundle<'a> {
    /// Reads an answer.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Reason> {
        let root = Node::read(bytes).map_err(|error| match error {
            JsonError::DuplicateKey(why) | JsonError::Malformed(why) | JsonError::Shape(why) => {
                malformed(&format!("the answer cannot be read: {why}"))
            }
        })?;
        let Node::List(root) = root else { return Err(malformed(NEED)) };
        let Ok([Node::List(overall), Node::Object(devices)]) = <[Node<'a>; 2]>::try_from(root) else {
            return Err(malformed(NEED));
        };
        let Ok([Node::Text(label), Node::Text(overall)]) = <[Node<'a>; 2]>::try_from(overall) else {
            return Err(malformed(NEED));
        };
        if label != "JWT" {
            return Err(malformed(NEED));
        }
        let count = devices.iter().len();
        if !(1..=MAX_DEVICES).contains(&count) {
            return Err(malformed("the answer has no device, or too many")
                .have(format_args!("{count} devices"))
                .need(format_args!("1 to {MAX_DEVICES}")));
        }
        let devices = devices.into_members().map(|(name, token)| {
            let name = DeviceName::read(&name).ok_or_else(|| malformed("a device is neither GPU-n nor SWITCH-n"))?;
            match token {
                Node::Text(token) => Ok((name, compact(&token)?)),
                _ => Err(malformed("a device's token is no text")),
            }
        });
        let mut devices = devices.collect::<Result<Vec<_>, Reason>>()?;
        devices.sort_by_key(|(name, _)| *name);
        Ok(Self { overall: compact(&overall)?, devices })
    }
}

/// Reads a token, which nobody spells with escapes.
fn compact<'a>(text: &Cow<'a, str>) -> Result<Compact<'a>, Reason> {
    match text {
        Cow::Borrowed(text) => Compact::parse(text.as_bytes()),
        Cow::Owned(_) => Err(Reason::new(ReasonCode::JwsMalformed, "a token is spelt with escapes")),
    }
}

/// What an answer is.
const NEED: &str = "the evidence is not [[\"JWT\", token], {device: token, …}]";

fn malformed(why: &str) -> Reason {
    Reason::new(ReasonCode::NrasBundle, why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::DeviceName;

    #[test]
    fn devices_have_one_name_each_and_an_order() {
        let names = ["GPU-0", "GPU-2", "GPU-10", "SWITCH-0", "SWITCH-65535"];
        let read: Vec<_> = names.iter().map(|name| DeviceName::read(name).expect(name)).collect();
        assert!(read.is_sorted());
        assert_eq!(read.iter().map(ToString::to_string).collect::<Vec<_>>(), names);
        for name in
            ["", "GPU", "GPU-", "GPU-00", "GPU-01", "GPU-+1", "gpu-0", "GPU-0 ", "GPU-65536", "NIC-0", "GPU-0-1"]
        {
            assert_eq!(DeviceName::read(name), None, "{name}");
        }
    }
}
