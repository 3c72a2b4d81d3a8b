//! What a rule speaks of: one claim, or the same claim of every device (`gpu.*.measres`); and how many devices there
//! are to quantify over.

use std::{fmt, str::FromStr};

use prooftrail_result::claims::{ClaimName, ClaimType, Claims, Family, cross_vendor};

use crate::Problem;

/// The claim, or claims, of a rule.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ClaimPattern {
    /// One claim.
    One(ClaimName),
    /// This claim of every device of its family; the name is device 0's.
    EveryDevice(ClaimName),
}

impl ClaimPattern {
    /// The claim itself, or device 0's.
    #[must_use]
    pub const fn name(self) -> ClaimName {
        match self {
            Self::One(name) | Self::EveryDevice(name) => name,
        }
    }

    /// The type that the dictionary gives it.
    #[must_use]
    pub fn claim_type(self) -> ClaimType {
        self.name().spec().claim_type
    }
}

impl FromStr for ClaimPattern {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let Some((family, rest)) = text.split_once(".*.") else {
            return Ok(Self::One(text.parse()?));
        };
        let name: ClaimName = format!("{family}.0.{rest}")
            .parse()
            .map_err(|_| Problem::NotPerDevice(text.chars().take(128).collect()))?;
        if name.id().is_per_device() {
            Ok(Self::EveryDevice(name))
        } else {
            Err(Problem::NotPerDevice(text.chars().take(128).collect()))
        }
    }
}

impl fmt::Display for ClaimPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(name) => name.fmt(f),
            // Per-device patterns are `family.<n>.rest`, so the first zero between dots is the device's.
            Self::EveryDevice(name) => f.write_str(&name.to_string().replacen(".0.", ".*.", 1)),
        }
    }
}

/// How many devices of each family a set of claims speaks of.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct DeviceCounts {
    gpus: u16,
    switches: u16,
}

impl DeviceCounts {
    /// Counts the devices that have a claim, or that `gpu.count` and `switch.count` speak of: the greater, so that no
    /// device escapes a quantifier.
    pub(crate) fn of(claims: &Claims) -> Self {
        let counted = |id| match claims.get(id) {
            Some(prooftrail_result::claims::Value::Int(count)) => u16::try_from(*count).unwrap_or(u16::MAX),
            _ => 0,
        };
        let mut counts = Self { gpus: counted(cross_vendor::GPU_COUNT), switches: counted(cross_vendor::SWITCH_COUNT) };
        for (name, _) in claims.iter() {
            let count = match name.family() {
                Family::Gpu => &mut counts.gpus,
                Family::Switch => &mut counts.switches,
                _ => continue,
            };
            *count = (*count).max(name.device_index().saturating_add(1));
        }
        counts
    }

    /// The number of devices of a family; families without devices have none.
    pub(crate) const fn in_family(self, family: Family) -> u16 {
        match family {
            Family::Gpu => self.gpus,
            Family::Switch => self.switches,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use prooftrail_result::claims::{Claims, Family, cross_vendor, gpu, nitro, switch};

    use super::{ClaimPattern, DeviceCounts};
    use crate::Problem;

    #[test]
    fn patterns_read_back() {
        for (text, pattern) in [
            ("nitro.pcr0", ClaimPattern::One(nitro::PCR.at(0))),
            ("gpu.1.arch", ClaimPattern::One(gpu::ARCH.device(1))),
            ("gpu.*.measurement.0", ClaimPattern::EveryDevice(gpu::MEASUREMENT.device_at(0, 0))),
            ("switch.*.rim.bios.status", ClaimPattern::EveryDevice(switch::RIM_BIOS_STATUS.device(0))),
        ] {
            assert_eq!(text.parse(), Ok(pattern));
            assert_eq!(pattern.to_string(), text);
        }
    }

    #[test]
    fn a_star_stands_for_a_device_and_nothing_else() {
        for text in ["gpu.*.nonsense", "nitro.*.pcr0", "gpu.*.*.arch", "gpu.*.measurement.*"] {
            assert!(matches!(text.parse::<ClaimPattern>(), Err(Problem::NotPerDevice(_))), "{text}");
        }
        for text in ["nitro.pcr*", "*", "gpu.*", "*.arch"] {
            assert!(matches!(text.parse::<ClaimPattern>(), Err(Problem::UnknownClaim(_))), "{text}");
        }
    }

    #[test]
    fn devices_are_counted_by_index_and_by_count_whichever_is_greater() {
        let mut claims = Claims::default();
        assert_eq!(DeviceCounts::of(&claims).in_family(Family::Gpu), 0);
        claims.insert(gpu::ARCH.device(2), "HOPPER");
        claims.insert(cross_vendor::GPU_COUNT, 2u64);
        claims.insert(cross_vendor::SWITCH_COUNT, 4u64);
        claims.insert(switch::ARCH.device(0), "LS10");
        let counts = DeviceCounts::of(&claims);
        assert_eq!((counts.in_family(Family::Gpu), counts.in_family(Family::Switch)), (3, 4));
        assert_eq!(counts.in_family(Family::Nitro), 0);
        claims.insert(cross_vendor::GPU_COUNT, u64::MAX);
        assert_eq!(DeviceCounts::of(&claims).in_family(Family::Gpu), u16::MAX);
    }
}
