//! Members of a JSON object as claims. The dictionary says of which type a claim is, and so how its member is read.
//!
//! In: an object that somebody signed, and which member is which claim. Out: claims, or the member that has not its
//! claim's type. A member that is absent, or null, claims nothing; members that no table names are not looked at.

use std::fmt;

use prooftrail_result::{
    Timestamp,
    claims::{ClaimName, ClaimType, Claims, Value},
};

use crate::json::{Node, Object};

/// A member that is not of its claim's type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct WrongType {
    member: String,
    need: ClaimType,
}

impl fmt::Display for WrongType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no {}", self.member, self.need)
    }
}

/// Claims a member, if it is there.
pub(crate) fn claim(
    claims: &mut Claims,
    object: &Object<'_>,
    member: &str,
    name: impl Into<ClaimName>,
) -> Result<(), WrongType> {
    let Some(node) = object.get(member) else { return Ok(()) };
    let name = name.into();
    let need = name.spec().claim_type;
    match value(node, need) {
        Some(value) => {
            claims.insert(name, value);
            Ok(())
        }
        None => Err(WrongType { member: member.to_owned(), need }),
    }
}

/// A node as a value of a type. Bytes are hex in either case, instants whole seconds since the epoch or RFC 3339.
fn value(node: &Node<'_>, need: ClaimType) -> Option<Value> {
    match (node, need) {
        (Node::Bool(value), ClaimType::Bool) => Some(Value::Bool(*value)),
        (Node::Whole(number), ClaimType::Int) => Some(Value::Int(*number)),
        (Node::Text(text), ClaimType::Text | ClaimType::HexOrText) => Some(text.as_ref().into()),
        (Node::Text(text), ClaimType::Hex(length)) => {
            let bytes = hex::decode(text.as_ref()).ok()?;
            (length == 0 || bytes.len() == usize::from(length)).then(|| bytes.as_slice().into())
        }
        (Node::Whole(seconds), ClaimType::Time) => instant(*seconds).map(Value::Time),
        (Node::Text(text), ClaimType::Time) => text.parse().map(Value::Time).ok(),
        (Node::List(members), list) => {
            let member = list.member()?;
            members.iter().map(|node| value(node, member)).collect::<Option<Vec<_>>>().map(Value::List)
        }
        _ => None,
    }
}

/// Seconds since the Unix epoch (NumericDate, RFC 7519, section 2), without a fraction.
pub(crate) fn instant(seconds: u64) -> Option<Timestamp> {
    i64::try_from(seconds).ok().and_then(Timestamp::from_unix_seconds)
}

#[cfg(test)]
mod tests {
    use prooftrail_result::{
        Timestamp,
        claims::{ClaimName, Claims, Value, gpu, maa, nras},
    };

    use super::claim;
    use crate::json::Object;

    fn read(text: &str, name: impl Into<ClaimName>) -> Result<Option<Value>, String> {
        let object = Object::read(text.as_bytes()).expect("an object");
        let (mut claims, name) = (Claims::default(), name.into());
        claim(&mut claims, &object, "x", name).map_err(|error| error.to_string())?;
        Ok(claims.get(name).cloned())
    }

    #[test]
    fn the_dictionary_s_type_decides() {
        let instant: Timestamp = "2024-01-01T00:00:00Z".parse().expect("an instant");
        let row = gpu::OEMID.device(0);
        for (text, name, value) in [
            ("true", ClaimName::from(maa::SECUREBOOT), Value::from(true)),
            ("18446744073709551615", maa::SEVSNPVM_VMPL.into(), u64::MAX.into()),
            ("\"5703\"", row, "5703".into()),
            ("\"00Ff\"", maa::CLIENT_PAYLOAD_NONCE.into(), [0, 0xFF].as_slice().into()),
            ("1704067200", maa::EXP.into(), instant.into()),
            ("\"2024-01-01T01:00:00+01:00\"", maa::EXP.into(), Value::Time(instant)),
            ("[1,0]", maa::AZUREVM_ATTESTED_PCRS.into(), vec![Value::Int(1), Value::Int(0)].into()),
            ("[\"a\"]", nras::DEVICES.into(), vec![Value::from("a")].into()),
        ] {
            assert_eq!(read(&format!("{{\"x\":{text}}}"), name), Ok(Some(value)), "{text}");
        }
        for text in ["{}", "{\"x\":null}", "{\"y\":1}"] {
            assert_eq!(read(text, maa::SECUREBOOT), Ok(None));
        }
    }

    #[test]
    fn no_other_type_will_do() {
        for (text, name) in [
            ("\"true\"", ClaimName::from(maa::SECUREBOOT)),
            ("1", maa::SECUREBOOT.into()),
            ("-1", maa::SEVSNPVM_VMPL.into()),
            ("1.0", maa::SEVSNPVM_VMPL.into()),
            ("\"1\"", maa::SEVSNPVM_VMPL.into()),
            ("5703", gpu::OEMID.device(0)),
            ("\"0\"", maa::CLIENT_PAYLOAD_NONCE.into()),
            ("\"00\"", maa::SEVSNPVM_REPORTID.into()),
            ("1e9", maa::EXP.into()),
            ("18446744073709551615", maa::EXP.into()),
            ("\"soon\"", maa::EXP.into()),
            ("[1,\"0\"]", maa::AZUREVM_ATTESTED_PCRS.into()),
            ("1", maa::AZUREVM_ATTESTED_PCRS.into()),
            ("{}", maa::VER.into()),
        ] {
            let error = read(&format!("{{\"x\":{text}}}"), name).expect_err(text);
            assert!(error.starts_with("`x` is no "), "{error}");
        }
    }
}
