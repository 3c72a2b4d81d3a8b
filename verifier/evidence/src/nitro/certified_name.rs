//! What a Nitro leaf certificate certifies by its common name: `<module id>.<region>.aws`. The module id of an enclave
//! is `<instance id>-<enclave id>`, that of an instance `<instance id>-tpm…`.
//!
//! These are the hypervisor's own words under AWS's signature, so region and instance can be pinned by policy.

/// The parts of a leaf's common name, where it has AWS's form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct CertifiedName<'a> {
    pub(super) module_id: &'a str,
    pub(super) region: &'a str,
    pub(super) instance_id: &'a str,
    /// `enc…` or `tpm…`.
    pub(super) suffix: &'a str,
}

impl<'a> CertifiedName<'a> {
    /// Reads a common name; `None` where it has another form.
    pub(super) fn parse(common_name: &'a str) -> Option<Self> {
        let (module_id, region) = common_name.strip_suffix(".aws")?.split_once('.')?;
        let (instance_id, suffix) = module_id.rsplit_once('-')?;
        let is_region =
            !region.is_empty() && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let is_instance = instance_id.strip_prefix("i-").is_some_and(is_hex);
        let is_module = ["enc", "tpm"].iter().any(|kind| suffix.strip_prefix(kind).is_some_and(is_hex));
        (is_region && is_instance && is_module).then_some(Self { module_id, region, instance_id, suffix })
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::CertifiedName;

    #[test]
    fn the_form_that_aws_certifies() {
        let name = CertifiedName::parse("i-0bee92034f3d60691-enc01943c5eaab3ad6a.eu-central-1.aws").unwrap();
        assert_eq!(name.module_id, "i-0bee92034f3d60691-enc01943c5eaab3ad6a");
        assert_eq!(
            (name.instance_id, name.suffix, name.region),
            ("i-0bee92034f3d60691", "enc01943c5eaab3ad6a", "eu-central-1")
        );
        let name = CertifiedName::parse("i-0123456789abcdef0-tpm0000000000000000.us-west-2.aws").unwrap();
        assert_eq!(name.suffix, "tpm0000000000000000");
    }

    #[test]
    fn other_forms_certify_nothing() {
        for name in [
            "",
            "i-mock-enc.leaf",
            "i-0bee-enc01.eu-central-1.aws.nitro-enclaves",
            "i-0bee-enc01..aws",
            "i-0bee-enc01.EU.aws",
            "i-0bee.eu-central-1.aws",
            "i-0bee-.eu-central-1.aws",
            "i-0bee-enc0g.eu-central-1.aws",
            "x-0bee-enc01.eu-central-1.aws",
            "i-0bee-enc01.eu.central.1.aws",
        ] {
            assert_eq!(CertifiedName::parse(name), None, "{name}");
        }
    }
}
