//! What a RIM says: a SWID tag (ISO/IEC 19770-2:2015) with the attributes of TCG's RIM information model and of NVIDIA's
//! opaque data.
//!
//! In: the tree whose signature is verified. Out: [`Content`]. Whatever could mean something that is not understood here is
//! refused: an attribute left unread may be the one that matters.

use super::{
    Floor, Golden, RimKind,
    xml::{Attribute, Element},
};

const SWID: &str = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const TCG: &str = "https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/";
const SHA384: &str = "http://www.w3.org/2001/04/xmlenc#sha384";
const OPAQUE_DATA: &str = "https://docs.nvidia.com/attestation/specs/latest/opaque-data.html";

/// SPDM has that many measurements in NVIDIA's devices.
const MEASUREMENTS: u16 = 64;

/// Where the records of opaque data begin: the index is this and the type.
const OPAQUE_DATA_BASE: u32 = 0x1000;

/// No record has more alternatives; genuine ones have up to 4.
const MAX_ALTERNATIVES: usize = 32;

/// The longest version, name or number.
const MAX_TEXT: usize = 128;

/// What a RIM says.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) tag_id: String,
    pub(super) version: String,
    pub(super) product: String,
    pub(super) kind: RimKind,
    pub(super) manufacturer_id: String,
    pub(super) golden: Vec<Golden>,
    pub(super) floors: Vec<Floor>,
}

impl Content {
    /// Reads the content of a document.
    ///
    /// # Errors
    /// In words, what of it is not understood.
    pub(super) fn read(root: &Element<'_>) -> Result<Self, &'static str> {
        if !root.is(SWID, "SoftwareIdentity") {
            return Err("its element is not SoftwareIdentity");
        }
        if ["corpus", "patch", "supplemental"]
            .iter()
            .any(|name| !matches!(root.attribute("", name), None | Some("false")))
        {
            return Err("it is a patch of, or a supplement to, something else");
        }
        let elements = root.elements().ok_or("it has text where it must have elements")?;
        let one = |name: &str| {
            let mut found = elements.iter().filter(|element| element.is(SWID, name));
            match (found.next(), found.next()) {
                (Some(element), None) => Ok(*element),
                _ => Err("it has not exactly one Meta and one Payload"),
            }
        };
        let (meta, payload) = (one("Meta")?, one("Payload")?);
        let version = text(meta, "", "colloquialVersion")?;
        let kind = match (text(meta, "", "edition")?.as_str(), is_of_vbios(&version)) {
            ("SWITCH", _) => RimKind::Switch,
            ("GPU", true) => RimKind::Vbios,
            ("GPU", false) => RimKind::Driver,
            _ => return Err("it is neither of a GPU nor of a switch"),
        };
        let manufacturer_id = text(meta, TCG, "FirmwareManufacturerId")?;
        let mut content = Self {
            tag_id: text(root, "", "tagId")?,
            product: text(meta, "", "product")?,
            version,
            kind,
            manufacturer_id,
            golden: Vec::new(),
            floors: Vec::new(),
        };
        for record in payload.elements().ok_or("its payload has text")? {
            content.add(record)?;
        }
        if content.golden.is_empty() && content.floors.is_empty() {
            return Err("it has no reference values");
        }
        Ok(content)
    }

    fn add(&mut self, record: &Element<'_>) -> Result<(), &'static str> {
        if !record.is(SWID, "Resource") || record.attribute("", "type") != Some("Measurement") {
            return Err("its payload has something other than measurements");
        }
        if !record.attributes.iter().all(is_known) || record.elements().is_none_or(|inside| !inside.is_empty()) {
            return Err("a record says more than is understood here");
        }
        let index: u32 = number(record, "", "index")?;
        let is_active = flag(record, "", "active")?.ok_or("a record does not say whether it is active")?;
        match u16::try_from(index) {
            Ok(index) if index < MEASUREMENTS => {
                if self.golden.iter().any(|known| known.index == index) {
                    return Err("two records are of one measurement");
                }
                self.golden.push(golden(record, index, is_active)?);
            }
            _ => {
                let type_id = index.checked_sub(OPAQUE_DATA_BASE).and_then(|id| u16::try_from(id).ok());
                let type_id = type_id.ok_or("a record is of no index that is known here")?;
                if self.floors.iter().any(|known| known.type_id == type_id) {
                    return Err("two records are of one version");
                }
                self.floors.extend(floor(record, type_id, is_active)?);
            }
        }
        Ok(())
    }
}

/// `96.00.5E.00.01`: a VBIOS has five bytes in hex, a driver numbers.
fn is_of_vbios(version: &str) -> bool {
    let mut parts = version.split('.');
    let is_byte = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.clone().count() == 5 && parts.all(is_byte)
}

/// Whether an attribute of a record is understood.
fn is_known(attribute: &Attribute<'_>) -> bool {
    match attribute.namespace {
        "" => matches!(attribute.local, "type" | "index" | "active" | "alternatives" | "name" | "size"),
        // Which of them there may be is decided by their number.
        SHA384 => attribute.local.starts_with("Hash"),
        OPAQUE_DATA => matches!(attribute.local, "minSvn" | "includeInResult"),
        _ => false,
    }
}

/// A measurement's record: as many values as it announces, of 48 bytes each.
fn golden(record: &Element<'_>, index: u16, active: bool) -> Result<Golden, &'static str> {
    let count: usize = number(record, "", "alternatives")?;
    let size: usize = number(record, "", "size")?;
    let of = |namespace: &str| record.attributes.iter().filter(|at| at.namespace == namespace).count();
    if count == 0 || count > MAX_ALTERNATIVES || of(SHA384) != count || of(OPAQUE_DATA) != 0 || size != 48 {
        return Err("a measurement's record has not the values that it announces");
    }
    let value = |place: usize| {
        let mut bytes = [0; 48];
        let digits = record.attribute(SHA384, &format!("Hash{place}")).ok_or("an alternative is missing")?;
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| "an alternative is not 48 bytes in hex")?;
        Ok(bytes)
    };
    Ok(Golden { index, active, alternatives: (0..count).map(value).collect::<Result<_, &'static str>>()?, size: 48 })
}

/// A floor, where the record is active.
fn floor(record: &Element<'_>, type_id: u16, is_active: bool) -> Result<Option<Floor>, &'static str> {
    if record.attributes.iter().any(|at| at.namespace == SHA384) {
        return Err("a version's record has a digest");
    }
    let include_in_result = flag(record, OPAQUE_DATA, "includeInResult")?.unwrap_or(false);
    if !is_active {
        return Ok(None);
    }
    let min_svn = number(record, OPAQUE_DATA, "minSvn")?;
    Ok(Some(Floor { type_id, name: text(record, "", "name")?, min_svn, include_in_result }))
}

/// A text that is there, not empty, of printable ASCII and not long.
fn text(element: &Element<'_>, namespace: &str, name: &str) -> Result<String, &'static str> {
    let value = element.attribute(namespace, name).ok_or("an attribute is missing")?;
    let is_plain = (1..=MAX_TEXT).contains(&value.len()) && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    is_plain.then(|| value.to_owned()).ok_or("an attribute is empty, too long, or not of printable ASCII")
}

/// A number in decimal, in its one spelling.
fn number<T: std::str::FromStr + ToString>(
    element: &Element<'_>,
    namespace: &str,
    name: &str,
) -> Result<T, &'static str> {
    let value = element.attribute(namespace, name).ok_or("an attribute is missing")?;
    let number: Option<T> = value.parse().ok();
    number.filter(|number| number.to_string() == value).ok_or("an attribute is not a number, or not a small one")
}

fn flag(element: &Element<'_>, namespace: &str, name: &str) -> Result<Option<bool>, &'static str> {
    match element.attribute(namespace, name) {
        None => Ok(None),
        Some("True") => Ok(Some(true)),
        Some("False") => Ok(Some(false)),
        // Readers disagree on what anything else means.
        Some(_) => Err("an attribute is neither True nor False"),
    }
}
