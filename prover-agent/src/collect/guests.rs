//! The two guest devices of kernels that have no configfs-tsm.

use std::{fs, io};

use prooftrail_devices::{sev_guest, tdx_guest};
use prooftrail_protocol::KindValue;
use prooftrail_result::Kind;

use super::{CollectError, Collector, device_error, qgs};
use crate::transport::Address;

/// Where Intel's tools keep the port of the quote generation service.
const QGS_CONFIGURATION: &str = "/etc/tdx-attest.conf";

/// VMADDR_CID_HOST.
const HOST: u32 = 2;

/// `/dev/sev-guest`.
pub(super) struct SevGuest;

impl Collector for SevGuest {
    fn kind(&self) -> Kind {
        Kind::AmdSevSnp
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::ReportData(report_data) = value else { return Err(CollectError::Value(self.kind())) };
        sev_guest::extended_report(report_data).map_err(device_error(self.kind()))
    }
}

/// `/dev/tdx_guest`, whose report the host's quoting enclave signs.
pub(super) struct TdxGuest;

impl Collector for TdxGuest {
    fn kind(&self) -> Kind {
        Kind::IntelTdx
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::ReportData(report_data) = value else { return Err(CollectError::Value(self.kind())) };
        let quote = || -> io::Result<Vec<u8>> {
            let report = tdx_guest::td_report(report_data)?;
            let configuration = fs::read_to_string(QGS_CONFIGURATION)
                .map_err(|error| io::Error::other(format!("{QGS_CONFIGURATION}: {error}")))?;
            let port = qgs::port(&configuration)
                .ok_or_else(|| io::Error::other(format!("{QGS_CONFIGURATION} names no port")))?;
            qgs::quote(Box::new(Address::Vsock { cid: HOST, port }), &report)
        };
        quote().map_err(device_error(self.kind()))
    }
}
