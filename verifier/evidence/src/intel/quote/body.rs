//! Bodies of quotes: the report of an enclave, or of a trust domain in its three forms (Intel SGX SDM volume 3D,
//! section 38.16; Intel TDX Module ABI, TDREPORT_STRUCT; sgx_quote_5.h).

use prooftrail_result::{Reason, ReasonCode};

use super::{Bytes, Tee};

/// The types of bodies, as version 5 numbers them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum BodyType {
    Enclave,
    Td10,
    Td15,
    Td15Extended,
}

impl BodyType {
    const ALL: [Self; 4] = [Self::Enclave, Self::Td10, Self::Td15, Self::Td15Extended];

    /// The type that a version 5 descriptor names, if it is one of the TEE and has the size that it says.
    pub(super) fn of(number: u16, size: u32, tee: Tee) -> Result<Self, Reason> {
        let known = Self::ALL.into_iter().find(|known| known.number() == number);
        let Some(body_type) = known.filter(|known| (*known == Self::Enclave) == (tee == Tee::Sgx)) else {
            return Err(Reason::from(ReasonCode::QuoteBodyType).have(number).need(match tee {
                Tee::Sgx => "1",
                Tee::Tdx => "2, 3 or 4",
            }));
        };
        if usize::try_from(size) == Ok(body_type.size()) {
            return Ok(body_type);
        }
        Err(Reason::from(ReasonCode::QuoteBodySize)
            .have(format_args!("{size} bytes of type {number}"))
            .need(format_args!("{} bytes", body_type.size())))
    }

    pub(super) const fn number(self) -> u16 {
        match self {
            Self::Enclave => 1,
            Self::Td10 => 2,
            Self::Td15 => 3,
            Self::Td15Extended => 4,
        }
    }

    pub(super) const fn size(self) -> usize {
        match self {
            Self::Enclave => ENCLAVE_REPORT_BYTES,
            Self::Td10 => 584,
            Self::Td15 => 648,
            Self::Td15Extended => 885,
        }
    }

    /// Reads a body of [`Self::size`] bytes.
    pub(super) fn read(self, bytes: &[u8]) -> Option<Body<'_>> {
        let mut reader = Bytes::new(bytes);
        let body = match self {
            Self::Enclave => Body::Enclave(EnclaveReport::read(reader.array()?)?),
            Self::Td10 | Self::Td15 | Self::Td15Extended => {
                let mut report = TdReport::read(&mut reader)?;
                if self != Self::Td10 {
                    report.td15 = Some(Td15 { tee_tcb_svn2: reader.array()?, mrservicetd: reader.array()? });
                }
                if self == Self::Td15Extended {
                    report.extended = Some(Extended::read(&mut reader)?);
                }
                Body::Td(report)
            }
        };
        reader.rest().is_empty().then_some(body)
    }
}

/// The body of a quote.
#[derive(Debug)]
pub(in crate::intel) enum Body<'a> {
    Enclave(EnclaveReport<'a>),
    Td(TdReport<'a>),
}

impl<'a> Body<'a> {
    /// What the guest or the enclave put there.
    pub(in crate::intel) const fn report_data(&self) -> &'a [u8; 64] {
        match self {
            Self::Enclave(report) => report.report_data,
            Self::Td(report) => report.report_data,
        }
    }
}

/// The size of an enclave's report.
pub(super) const ENCLAVE_REPORT_BYTES: usize = 384;

/// REPORTBODY of an enclave; also the quoting enclave's own. Reserved fields and the fields of Key Separation and
/// Sharing are signed and not read.
#[derive(Debug)]
pub(in crate::intel) struct EnclaveReport<'a> {
    pub(in crate::intel) miscselect: &'a [u8; 4],
    pub(in crate::intel) attributes: &'a [u8; 16],
    pub(in crate::intel) mrenclave: &'a [u8; 32],
    pub(in crate::intel) mrsigner: &'a [u8; 32],
    pub(in crate::intel) isvprodid: u16,
    pub(in crate::intel) isvsvn: u16,
    pub(in crate::intel) report_data: &'a [u8; 64],
}

impl<'a> EnclaveReport<'a> {
    pub(super) fn read(bytes: &'a [u8; ENCLAVE_REPORT_BYTES]) -> Option<Self> {
        let mut reader = Bytes::new(bytes);
        let _cpusvn = reader.array::<16>()?;
        let miscselect = reader.array()?;
        let _reserved_and_isvextprodid = reader.array::<28>()?;
        let attributes = reader.array()?;
        let mrenclave = reader.array()?;
        let _reserved = reader.array::<32>()?;
        let mrsigner = reader.array()?;
        let _reserved_and_configid = reader.array::<96>()?;
        let (isvprodid, isvsvn) = (reader.u16()?, reader.u16()?);
        let _configsvn_reserved_and_isvfamilyid = reader.array::<60>()?;
        let report_data = reader.array()?;
        let report = Self { miscselect, attributes, mrenclave, mrsigner, isvprodid, isvsvn, report_data };
        reader.rest().is_empty().then_some(report)
    }

    /// Whether a debugger may read the enclave (SDM volume 3D, section 38.7.1).
    pub(in crate::intel) fn is_debug(&self) -> bool {
        let [flags, ..] = self.attributes;
        flags & 0x02 != 0
    }
}

/// The report of a trust domain, with the parts that TDX 1.5 added.
#[derive(Debug)]
pub(in crate::intel) struct TdReport<'a> {
    pub(in crate::intel) tee_tcb_svn: &'a [u8; 16],
    pub(in crate::intel) mrseam: &'a [u8; 48],
    pub(in crate::intel) mrsignerseam: &'a [u8; 48],
    pub(in crate::intel) seam_attributes: &'a [u8; 8],
    pub(in crate::intel) td_attributes: &'a [u8; 8],
    pub(in crate::intel) xfam: &'a [u8; 8],
    pub(in crate::intel) mrtd: &'a [u8; 48],
    pub(in crate::intel) mrconfigid: &'a [u8; 48],
    pub(in crate::intel) mrowner: &'a [u8; 48],
    pub(in crate::intel) mrownerconfig: &'a [u8; 48],
    pub(in crate::intel) rtmrs: [&'a [u8; 48]; 4],
    pub(in crate::intel) report_data: &'a [u8; 64],
    pub(in crate::intel) td15: Option<Td15<'a>>,
    pub(in crate::intel) extended: Option<Extended<'a>>,
}

impl<'a> TdReport<'a> {
    fn read(reader: &mut Bytes<'a>) -> Option<Self> {
        Some(Self {
            tee_tcb_svn: reader.array()?,
            mrseam: reader.array()?,
            mrsignerseam: reader.array()?,
            seam_attributes: reader.array()?,
            td_attributes: reader.array()?,
            xfam: reader.array()?,
            mrtd: reader.array()?,
            mrconfigid: reader.array()?,
            mrowner: reader.array()?,
            mrownerconfig: reader.array()?,
            rtmrs: [reader.array()?, reader.array()?, reader.array()?, reader.array()?],
            report_data: reader.array()?,
            td15: None,
            extended: None,
        })
    }

    /// Whether a bit of TDATTRIBUTES is set (TDX Module ABI, table of ATTRIBUTES).
    pub(in crate::intel) const fn has_attribute(&self, bit: u32) -> bool {
        u64::from_le_bytes(*self.td_attributes) >> bit & 1 == 1
    }
}

/// What TDX 1.5 added: the TCB of now, where the module may have been updated under the guest, and service TDs.
#[derive(Debug)]
pub(in crate::intel) struct Td15<'a> {
    pub(in crate::intel) tee_tcb_svn2: &'a [u8; 16],
    pub(in crate::intel) mrservicetd: &'a [u8; 48],
}

/// What the extended body adds. The attributes and TCB of service TDs are signed and not read.
#[derive(Debug)]
pub(in crate::intel) struct Extended<'a> {
    pub(in crate::intel) vmid: u8,
    pub(in crate::intel) td_id: &'a [u8; 32],
    pub(in crate::intel) init_service_td_hash: &'a [u8; 48],
    pub(in crate::intel) cur_service_td_hash: &'a [u8; 48],
}

impl<'a> Extended<'a> {
    fn read(reader: &mut Bytes<'a>) -> Option<Self> {
        let (vmid, td_id) = (reader.u8()?, reader.array()?);
        let _dev_info = reader.array::<48>()?;
        let init_service_td_hash = reader.array()?;
        // Attributes 8, CPU SVN 16, TEE TCB SVN 16 and FMSPC 12 of the initial service TD.
        let _init = reader.array::<52>()?;
        let cur_service_td_hash = reader.array()?;
        let _cur_service_td_attributes = reader.array::<8>()?;
        Some(Self { vmid, td_id, init_service_td_hash, cur_service_td_hash })
    }
}
