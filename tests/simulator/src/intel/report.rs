//! The reports inside quotes: an enclave's, and a trust domain's with what TDX 1.5 added. Fields come in, bytes go out.

/// REPORTBODY of an enclave, 384 bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EnclaveReport {
    /// Raw CPUSVN.
    pub cpu_svn: [u8; 16],
    /// Extended state in debug dumps.
    pub miscselect: [u8; 4],
    /// Flags and XFRM; bit 1 of the first byte is DEBUG.
    pub attributes: [u8; 16],
    /// The enclave.
    pub mrenclave: [u8; 32],
    /// Its signer.
    pub mrsigner: [u8; 32],
    /// The product.
    pub isvprodid: u16,
    /// Its version.
    pub isvsvn: u16,
    /// The enclave's own data.
    pub report_data: [u8; 64],
}

impl EnclaveReport {
    /// The bytes.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let Self { cpu_svn, miscselect, attributes, mrenclave, mrsigner, isvprodid, isvsvn, report_data } = self;
        [
            cpu_svn.as_slice(),
            miscselect,
            &[0; 28],
            attributes,
            mrenclave,
            &[0; 32],
            mrsigner,
            &[0; 96],
            &isvprodid.to_le_bytes(),
            &isvsvn.to_le_bytes(),
            &[0; 60],
            report_data,
        ]
        .concat()
    }
}

/// The report of a trust domain: 584 bytes, 648 with what TDX 1.5 added, 885 extended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Td {
    /// The module's version and major version, then what else is loaded.
    pub tee_tcb_svn: [u8; 16],
    /// The module.
    pub mrseam: [u8; 48],
    /// Its signer; zero for Intel.
    pub mrsignerseam: [u8; 48],
    /// Its attributes; zero.
    pub seam_attributes: [u8; 8],
    /// The guest's attributes.
    pub td_attributes: [u8; 8],
    /// Its extended features.
    pub xfam: [u8; 8],
    /// Its initial contents.
    pub mrtd: [u8; 48],
    /// Defined by software.
    pub mrconfigid: [u8; 48],
    /// Defined by software.
    pub mrowner: [u8; 48],
    /// Defined by software.
    pub mrownerconfig: [u8; 48],
    /// Run-time registers.
    pub rtmrs: [[u8; 48]; 4],
    /// The guest's own data.
    pub report_data: [u8; 64],
    /// What TDX 1.5 added.
    pub td15: Option<Td15>,
    /// The extended body.
    pub extended: Option<ExtendedTd>,
}

/// What TDX 1.5 added.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Td15 {
    /// The module's versions now.
    pub tee_tcb_svn2: [u8; 16],
    /// Service TDs.
    pub mrservicetd: [u8; 48],
}

/// What the extended body adds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExtendedTd {
    /// The virtual machine inside the domain.
    pub vmid: u8,
    /// The domain, this run of it.
    pub td_id: [u8; 32],
    /// Service TDs at launch.
    pub init_service_td_hash: [u8; 48],
    /// Service TDs now.
    pub cur_service_td_hash: [u8; 48],
}

impl Td {
    /// The bytes.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let mut bytes = [
            self.tee_tcb_svn.as_slice(),
            &self.mrseam,
            &self.mrsignerseam,
            &self.seam_attributes,
            &self.td_attributes,
            &self.xfam,
            &self.mrtd,
            &self.mrconfigid,
            &self.mrowner,
            &self.mrownerconfig,
            &self.rtmrs.concat(),
            &self.report_data,
        ]
        .concat();
        if let Some(Td15 { tee_tcb_svn2, mrservicetd }) = &self.td15 {
            bytes.extend([tee_tcb_svn2.as_slice(), mrservicetd].concat());
        }
        if let Some(ExtendedTd { vmid, td_id, init_service_td_hash, cur_service_td_hash }) = &self.extended {
            let dev_info = [0; 48];
            let (init, current) = ([0; 52], [0; 8]);
            let parts: [&[u8]; 7] =
                [&[*vmid], td_id, &dev_info, init_service_td_hash, &init, cur_service_td_hash, &current];
            bytes.extend(parts.concat());
        }
        bytes
    }
}
