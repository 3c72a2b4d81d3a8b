//! AMD SEV-SNP's guest device: `/dev/sev-guest`, for kernels that have no configfs-tsm (before Linux 6.7).
//!
//! Layouts: linux/include/uapi/linux/sev-guest.h; the answer is MSG_REPORT_RSP of AMD 56860, §7.3. Needs the real device:
//! docs/not-run.md.

use std::{fs::OpenOptions, io, path::Path};

use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

/// Where the driver puts the device.
pub const DEVICE: &str = "/dev/sev-guest";

/// The length of a report.
const REPORT: usize = 1184;

/// The host's table of certificates is never larger: SEV_FW_BLOB_MAX_SIZE. The driver wants whole pages.
const TABLE: usize = 0x4000;

/// One row of the table: a GUID, an offset and a length.
const ROW: usize = 24;

/// `struct snp_ext_report_req`.
#[repr(C)]
struct ExtendedReportRequest {
    user_data: [u8; 64],
    vmpl: u32,
    reserved: [u8; 28],
    certs_address: u64,
    certs_len: u32,
}

/// `struct snp_report_resp`.
#[repr(C)]
struct ReportResponse {
    data: [u8; 4000],
}

/// `struct snp_guest_request_ioctl`.
#[repr(C)]
struct GuestRequest {
    msg_version: u8,
    req_data: u64,
    resp_data: u64,
    exitinfo2: u64,
}

/// `SNP_GET_EXT_REPORT`.
const GET_EXT_REPORT: Opcode = opcode::read_write::<GuestRequest>(b'S', 2);

/// Is there such a device?
#[must_use]
pub fn is_present() -> bool {
    Path::new(DEVICE).exists()
}

/// A report over `user_data`, at the privilege level of the running kernel, and behind it the host's table of certificates
/// where there is one.
///
/// # Errors
/// No device, or no right to open it; the firmware or the host refused.
pub fn extended_report(user_data: &[u8; 64]) -> io::Result<Vec<u8>> {
    let device = OpenOptions::new().read(true).write(true).open(DEVICE)?;
    let mut table = vec![0_u8; TABLE];
    let mut response = ReportResponse { data: [0; 4000] };
    let mut request = ExtendedReportRequest {
        user_data: *user_data,
        vmpl: 0,
        reserved: [0; 28],
        certs_address: address(table.as_mut_ptr())?,
        certs_len: u32::try_from(TABLE).map_err(io::Error::other)?,
    };
    let mut call = GuestRequest {
        msg_version: 1,
        req_data: address(&raw mut request)?,
        resp_data: address(&raw mut response)?,
        exitinfo2: 0,
    };
    // SAFETY: the opcode is the driver's for this structure; the three buffers that it points to live until after the call,
    // have the layouts that the driver writes, and are as long as it was told.
    #[expect(unsafe_code, reason = "see SAFETY above")]
    let done = unsafe { ioctl(&device, Updater::<GET_EXT_REPORT, GuestRequest>::new(&mut call)) };
    done.map_err(|error| io::Error::other(format!("{error} (exitinfo2 {:#x})", call.exitinfo2)))?;
    let mut evidence = report(&response.data)?.to_vec();
    evidence.extend_from_slice(table.get(..table_length(&table)).unwrap_or_default());
    Ok(evidence)
}

fn address<T>(place: *mut T) -> io::Result<u64> {
    u64::try_from(place.expose_provenance()).map_err(io::Error::other)
}

/// The report in an answer of the firmware.
fn report(response: &[u8]) -> io::Result<&[u8]> {
    let word = |at: usize| response.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    match (word(0), word(4).and_then(|size| usize::try_from(size).ok()), response.get(32..32 + REPORT)) {
        (Some(0), Some(REPORT), Some(report)) => Ok(report),
        (Some(0), size, _) => Err(io::Error::other(format!("the firmware answered with {size:?} bytes"))),
        (status, ..) => Err(io::Error::other(format!("the firmware refused with status {status:?}"))),
    }
}

/// How much of the buffer the table and its certificates take: rows up to one of zeros, each naming a place.
fn table_length(table: &[u8]) -> usize {
    let word = |row: &[u8], at: usize| {
        let bytes = row.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let mut length = 0;
    for (index, row) in table.chunks_exact(ROW).enumerate() {
        if row.iter().all(|&byte| byte == 0) {
            return if index == 0 { 0 } else { length.max((index + 1) * ROW) };
        }
        let (Some(offset), Some(size)) = (word(row, 16), word(row, 20)) else { return 0 };
        length = length.max(offset.saturating_add(size)).min(table.len());
    }
    length
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::{ExtendedReportRequest, GET_EXT_REPORT, GuestRequest, REPORT, ROW, TABLE, report, table_length};

    #[test]
    fn the_layouts_are_the_kernels() {
        assert_eq!((size_of::<GuestRequest>(), offset_of!(GuestRequest, exitinfo2)), (32, 24));
        assert_eq!(offset_of!(ExtendedReportRequest, vmpl), 64);
        assert_eq!(offset_of!(ExtendedReportRequest, certs_address), 96);
        assert_eq!(size_of::<ExtendedReportRequest>(), 112);
        // _IOWR('S', 2, 32 bytes).
        assert_eq!(GET_EXT_REPORT, 0xc020_5302);
    }

    #[test]
    fn a_report_is_taken_from_an_answer_that_says_success() {
        let mut response = vec![0; 4000];
        response[4..8].copy_from_slice(&1184_u32.to_le_bytes());
        response[32..32 + REPORT].fill(7);
        assert_eq!(report(&response).unwrap(), [7; REPORT]);
        response[0] = 0x16;
        assert!(report(&response).unwrap_err().to_string().contains("status Some(22)"));
        response[0] = 0;
        response[4] = 0;
        assert!(report(&response).is_err());
        assert!(report(&[]).is_err());
    }

    #[test]
    fn a_table_ends_with_its_last_certificate() {
        let mut table = vec![0; TABLE];
        assert_eq!(table_length(&table), 0, "no table");
        let row = |table: &mut Vec<u8>, index: usize, offset: u32, length: u32| {
            let at = index * ROW;
            table[at..at + 16].fill(1);
            table[at + 16..at + 20].copy_from_slice(&offset.to_le_bytes());
            table[at + 20..at + 24].copy_from_slice(&length.to_le_bytes());
        };
        row(&mut table, 0, 72, 1000);
        row(&mut table, 1, 1072, 500);
        assert_eq!(table_length(&table), 1572);
        row(&mut table, 1, u32::MAX, u32::MAX);
        assert_eq!(table_length(&table), TABLE, "a host that lies gets the buffer, and no more");
    }
}
