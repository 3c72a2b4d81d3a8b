//! The SGX extension of a PCK certificate. A platform's facts come in, the extension goes out.

use crate::{
    der::{self, Oid},
    x509::Extension,
};

/// The identifier of the extension.
pub const EXTENSION: Oid = &[1, 2, 840, 113_741, 1, 13, 1];

/// What is certified of a platform.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PckExtensionSpec {
    /// Platform provisioning id.
    pub ppid: [u8; 16],
    /// The versions of the sixteen SGX TCB components.
    pub components: [u8; 16],
    /// The version of the provisioning certification enclave.
    pub pce_svn: u16,
    /// The raw CPUSVN.
    pub cpu_svn: [u8; 16],
    /// The provisioning certification enclave.
    pub pce_id: [u8; 2],
    /// The platform's family.
    pub fmspc: [u8; 6],
    /// 0 standard, 1 scalable, 2 scalable with integrity.
    pub sgx_type: u8,
    /// Platform CA only.
    pub platform_instance_id: Option<[u8; 16]>,
    /// Platform CA only: dynamic platform, cached keys, SMT.
    pub configuration: Option<[bool; 3]>,
    /// The arc of an entry to leave out.
    pub without: Option<u64>,
    /// The arc of an entry to write twice.
    pub twice: Option<u64>,
}

impl PckExtensionSpec {
    /// The extension, not critical.
    #[must_use]
    pub fn extension(&self) -> Extension {
        Extension::new(EXTENSION, false, self.der())
    }

    fn der(&self) -> Vec<u8> {
        let entry =
            |arcs: &[u64], value: Vec<u8>| der::sequence([der::object_identifier(&[EXTENSION, arcs].concat()), value]);
        let components = (1..).zip(self.components);
        let components = components.map(|(number, svn)| entry(&[2, number], der::small_integer(svn.into())));
        let pce_svn = entry(&[2, 17], der::small_integer(self.pce_svn.into()));
        let cpu_svn = entry(&[2, 18], der::octet_string(&self.cpu_svn));
        let flags = self.configuration.map(|flags| {
            (1..).zip(flags).map(|(number, flag)| entry(&[7, number], der::boolean(flag))).collect::<Vec<_>>()
        });
        let entries = [
            (1, Some(der::octet_string(&self.ppid))),
            (2, Some(der::sequence(components.chain([pce_svn, cpu_svn])))),
            (3, Some(der::octet_string(&self.pce_id))),
            (4, Some(der::octet_string(&self.fmspc))),
            (5, Some(der::enumerated(self.sgx_type))),
            (6, self.platform_instance_id.map(|id| der::octet_string(&id))),
            (7, flags.map(der::sequence)),
        ];
        let entries = entries.into_iter().filter_map(|(number, value)| Some((number, value?)));
        der::sequence(entries.flat_map(|(number, value)| {
            let times = if self.without == Some(number) { 0 } else { 1 + usize::from(self.twice == Some(number)) };
            vec![entry(&[number], value); times]
        }))
    }
}
