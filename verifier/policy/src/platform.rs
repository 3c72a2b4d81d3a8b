//! Shapes of evidence sets: which CPU evidence, which devices, and nothing else.

use std::fmt;

use prooftrail_result::Kind;

use crate::Rule;

/// A set that the policy accepts: exactly these pieces, satisfying these rules besides the policy's own.
#[derive(Clone, Debug)]
pub struct Platform {
    pub(crate) name: Box<str>,
    pub(crate) primary: Option<Kind>,
    pub(crate) devices: Box<[DeviceRange]>,
    pub(crate) rules: Box<[Rule]>,
}

/// How many pieces of a device kind a set may have.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct DeviceRange {
    /// The kind.
    pub kind: Kind,
    /// The fewest pieces.
    pub min: u16,
    /// The most pieces.
    pub max: u16,
}

impl Platform {
    /// Its name, unique in the policy.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of the one CPU piece; `None` where the set is devices alone.
    #[must_use]
    pub const fn primary(&self) -> Option<Kind> {
        self.primary
    }

    /// The devices, sorted by kind.
    #[must_use]
    pub const fn devices(&self) -> &[DeviceRange] {
        &self.devices
    }

    /// The rules of this platform only, sorted by id.
    #[must_use]
    pub const fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether a set of these kinds has this shape. A piece that is not listed does not fit.
    pub(crate) fn fits(&self, kinds: &[Kind]) -> bool {
        let count = |kind| kinds.iter().filter(|other| **other == kind).count();
        let is_listed = |kind| self.primary == Some(kind) || self.devices.iter().any(|range| range.kind == kind);
        self.primary.is_none_or(|primary| count(primary) == 1)
            && self
                .devices
                .iter()
                .all(|DeviceRange { kind, min, max }| (usize::from(*min)..=usize::from(*max)).contains(&count(*kind)))
            && kinds.iter().all(|kind| is_listed(*kind))
    }
}

/// The shape, as in `aws-nitro + 1–8 nvidia-gpu`.
impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(primary) = self.primary {
            primary.fmt(f)?;
            separator = " + ";
        }
        for DeviceRange { kind, min, max } in &self.devices {
            if min == max {
                write!(f, "{separator}{min} {kind}")?;
            } else {
                write!(f, "{separator}{min}–{max} {kind}")?;
            }
            separator = " + ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use prooftrail_result::Kind;

    use super::{DeviceRange, Platform};

    fn platform(primary: Option<Kind>, devices: &[(Kind, u16, u16)]) -> Platform {
        let devices = devices.iter().map(|&(kind, min, max)| DeviceRange { kind, min, max }).collect();
        Platform { name: "p".into(), primary, devices, rules: Box::new([]) }
    }

    #[test]
    fn a_set_fits_exactly() {
        use Kind::{AmdSevSnp, AwsNitro, NvidiaGpu, NvidiaSwitch};
        let cpu = platform(Some(AwsNitro), &[]);
        let gpus = platform(Some(AmdSevSnp), &[(NvidiaGpu, 1, 2), (NvidiaSwitch, 0, 1)]);
        let bare = platform(None, &[(NvidiaGpu, 1, 1)]);
        for (shape, kinds, fits) in [
            (&cpu, &[AwsNitro][..], true),
            (&cpu, &[], false),
            (&cpu, &[AwsNitro, AwsNitro], false),
            (&cpu, &[AmdSevSnp], false),
            (&cpu, &[AwsNitro, NvidiaGpu], false),
            (&gpus, &[AmdSevSnp, NvidiaGpu], true),
            (&gpus, &[NvidiaGpu, AmdSevSnp, NvidiaSwitch, NvidiaGpu], true),
            (&gpus, &[AmdSevSnp], false),
            (&gpus, &[AmdSevSnp, NvidiaGpu, NvidiaGpu, NvidiaGpu], false),
            (&gpus, &[NvidiaGpu], false),
            (&gpus, &[AmdSevSnp, NvidiaGpu, AwsNitro], false),
            (&bare, &[NvidiaGpu], true),
            (&bare, &[AmdSevSnp, NvidiaGpu], false),
        ] {
            assert_eq!(shape.fits(kinds), fits, "{shape}: {kinds:?}");
        }
        assert_eq!(gpus.to_string(), "amd-sev-snp + 1–2 nvidia-gpu + 0–1 nvidia-switch");
        assert_eq!(bare.to_string(), "1 nvidia-gpu");
    }
}
