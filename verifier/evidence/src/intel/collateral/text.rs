//! How collateral spells things: hex in either case, times, statuses, and levels of a single security version.

use prooftrail_result::Timestamp;
use serde::{Deserialize, Deserializer, de::Error};

/// Bytes of a known length, in hex.
pub(super) fn hex<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<[u8; N], D::Error> {
    let text = String::deserialize(deserializer)?;
    let mut bytes = [0; N];
    hex::decode_to_slice(&text, &mut bytes)
        .map_err(|error| D::Error::custom(format_args!("not {N} bytes in hex: {error}")))?;
    Ok(bytes)
}

/// An instant, RFC 3339.
pub(super) fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// Advisories that a level leaves open, by number; Intel leaves the field out where there are none.
pub(in crate::intel) type Advisories = Vec<String>;

/// What Intel says of a TCB level. A level of a quoting enclave or a TDX module has only some of these; see
/// [`Status::is_of_component`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
pub(in crate::intel) enum Status {
    UpToDate,
    #[serde(rename = "SWHardeningNeeded")]
    SwHardeningNeeded,
    ConfigurationNeeded,
    #[serde(rename = "ConfigurationAndSWHardeningNeeded")]
    ConfigurationAndSwHardeningNeeded,
    OutOfDate,
    OutOfDateConfigurationNeeded,
    Revoked,
}

impl Status {
    /// Intel's spelling.
    pub(in crate::intel) const fn as_str(self) -> &'static str {
        match self {
            Self::UpToDate => "UpToDate",
            Self::SwHardeningNeeded => "SWHardeningNeeded",
            Self::ConfigurationNeeded => "ConfigurationNeeded",
            Self::ConfigurationAndSwHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
            Self::OutOfDate => "OutOfDate",
            Self::OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
            Self::Revoked => "Revoked",
        }
    }

    /// Whether a level of a quoting enclave or a TDX module may have it.
    pub(super) const fn is_of_component(self) -> bool {
        matches!(self, Self::UpToDate | Self::OutOfDate | Self::Revoked)
    }
}

/// A level of a quoting enclave or a TDX module: one security version.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::intel) struct SvnLevel {
    pub(in crate::intel) tcb: Svn,
    #[serde(deserialize_with = "instant")]
    pub(in crate::intel) tcb_date: Timestamp,
    #[serde(deserialize_with = "component_status")]
    pub(in crate::intel) tcb_status: Status,
    #[serde(rename = "advisoryIDs", default)]
    pub(in crate::intel) advisory_ids: Advisories,
}

/// The version that a level begins at.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(in crate::intel) struct Svn {
    pub(in crate::intel) isvsvn: u16,
}

fn component_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Status, D::Error> {
    let status = Status::deserialize(deserializer)?;
    if status.is_of_component() {
        return Ok(status);
    }
    Err(D::Error::custom(format_args!("{} is no status of such a level", status.as_str())))
}

/// Levels, the highest version first.
pub(super) fn svn_levels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SvnLevel>, D::Error> {
    let mut levels = Vec::<SvnLevel>::deserialize(deserializer)?;
    levels.sort_by_key(|level| std::cmp::Reverse(level.tcb.isvsvn));
    Ok(levels)
}
