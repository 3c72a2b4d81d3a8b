//! Intel TDX's guest device: `/dev/tdx_guest`, for kernels that have no configfs-tsm (before Linux 6.7).
//!
//! It gives a TDREPORT, which only the host's quoting enclave turns into a quote. Layouts: linux/include/uapi/linux/tdx-guest.h.
//! Needs the real device: docs/not-run.md.

use std::{fs::OpenOptions, io, path::Path};

use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

/// Where drivers put the device, the newer name first.
pub const DEVICES: [&str; 2] = ["/dev/tdx_guest", "/dev/tdx-guest"];

/// The length of a TDREPORT.
pub const TDREPORT: usize = 1024;

/// `struct tdx_report_req`.
#[repr(C)]
struct ReportRequest {
    reportdata: [u8; 64],
    tdreport: [u8; TDREPORT],
}

/// `TDX_CMD_GET_REPORT0`.
const GET_REPORT0: Opcode = opcode::read_write::<ReportRequest>(b'T', 1);

/// The device, if there is one.
#[must_use]
pub fn device() -> Option<&'static str> {
    DEVICES.into_iter().find(|path| Path::new(path).exists())
}

/// A TDREPORT over `reportdata`.
///
/// # Errors
/// No device, or no right to open it; the module refused.
pub fn td_report(reportdata: &[u8; 64]) -> io::Result<[u8; TDREPORT]> {
    let path = device().ok_or(io::ErrorKind::NotFound)?;
    let device = OpenOptions::new().read(true).write(true).open(path)?;
    let mut request = ReportRequest { reportdata: *reportdata, tdreport: [0; TDREPORT] };
    // SAFETY: the opcode is the driver's for this structure, which it reads and fills in place.
    #[expect(unsafe_code, reason = "see SAFETY above")]
    unsafe { ioctl(&device, Updater::<GET_REPORT0, ReportRequest>::new(&mut request)) }?;
    Ok(request.tdreport)
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use super::{GET_REPORT0, ReportRequest};

    #[test]
    fn the_layout_is_the_kernels() {
        assert_eq!(size_of::<ReportRequest>(), 1088);
        // _IOWR('T', 1, 1088 bytes).
        assert_eq!(GET_REPORT0, 0xc440_5401);
    }
}
