//! The hashes of what OVMF boots directly: kernel, initrd and command line, as QEMU hands them to it (QEMU,
//! target/i386/sev.c, `sev_add_kernel_loader_hashes`).
//!
//! In: three streams. Out: the page that is measured.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::PAGE_BYTES;

/// More than any kernel or initrd has: 4 GiB.
pub const MAX_BOOT_FILE_BYTES: u64 = 4 << 30;

/// 9438d606-4f22-4cc9-b479-a793d411fd21, first three numbers least significant byte first, as the others.
const TABLE_GUID: [u8; 16] =
    [0x06, 0xD6, 0x38, 0x94, 0x22, 0x4F, 0xC9, 0x4C, 0xB4, 0x79, 0xA7, 0x93, 0xD4, 0x11, 0xFD, 0x21];
/// 4de79437-abd2-427f-b835-d5b172d2045b
const KERNEL_GUID: [u8; 16] =
    [0x37, 0x94, 0xE7, 0x4D, 0xD2, 0xAB, 0x7F, 0x42, 0xB8, 0x35, 0xD5, 0xB1, 0x72, 0xD2, 0x04, 0x5B];
/// 44baf731-3a2f-4bd7-9af1-41e29169781d
const INITRD_GUID: [u8; 16] =
    [0x31, 0xF7, 0xBA, 0x44, 0x2F, 0x3A, 0xD7, 0x4B, 0x9A, 0xF1, 0x41, 0xE2, 0x91, 0x69, 0x78, 0x1D];
/// 97d02dd8-bd20-4c94-aa78-e7714d36ab2a
const COMMAND_LINE_GUID: [u8; 16] =
    [0xD8, 0x2D, 0xD0, 0x97, 0x20, 0xBD, 0x94, 0x4C, 0xAA, 0x78, 0xE7, 0x71, 0x4D, 0x36, 0xAB, 0x2A];
/// GUID, length, hash.
const ENTRY_BYTES: u16 = 50;
/// GUID, length, three entries.
const TABLE_BYTES: u16 = 18 + 3 * ENTRY_BYTES;

/// The hashes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BootHashes {
    kernel: [u8; 32],
    initrd: [u8; 32],
    command_line: [u8; 32],
}

impl BootHashes {
    /// Hashes what is booted. Without an initrd, the hash is that of nothing; a command line ends with a zero byte, and an
    /// empty one is that byte alone.
    ///
    /// # Errors
    /// What reading fails with, and [`io::ErrorKind::FileTooLarge`] beyond [`MAX_BOOT_FILE_BYTES`].
    pub fn of(kernel: impl Read, initrd: Option<impl Read>, command_line: &str) -> io::Result<Self> {
        Ok(Self {
            kernel: hash(kernel, MAX_BOOT_FILE_BYTES)?,
            initrd: match initrd {
                Some(initrd) => hash(initrd, MAX_BOOT_FILE_BYTES)?,
                None => Sha256::digest([]).into(),
            },
            command_line: Sha256::new().chain_update(command_line).chain_update([0]).finalize().into(),
        })
    }

    /// The page, with the table at `offset`; nothing where it does not fit there.
    pub(super) fn page(&self, offset: usize) -> Option<[u8; PAGE_BYTES]> {
        let mut table = Vec::with_capacity(TABLE_BYTES.into());
        table.extend_from_slice(&TABLE_GUID);
        table.extend_from_slice(&TABLE_BYTES.to_le_bytes());
        let entries =
            [(COMMAND_LINE_GUID, &self.command_line), (INITRD_GUID, &self.initrd), (KERNEL_GUID, &self.kernel)];
        for (guid, hash) in entries {
            table.extend_from_slice(&guid);
            table.extend_from_slice(&ENTRY_BYTES.to_le_bytes());
            table.extend_from_slice(hash);
        }
        let mut page = [0; PAGE_BYTES];
        page.get_mut(offset..)?.get_mut(..table.len())?.copy_from_slice(&table);
        Some(page)
    }
}

/// Hashes a stream of at most so many bytes.
pub(super) fn hash(file: impl Read, at_most: u64) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut file = file.take(at_most.saturating_add(1));
    let mut block = vec![0; 1 << 16];
    let mut total: u64 = 0;
    loop {
        let count = match file.read(&mut block) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(block.get(..count).unwrap_or_default());
        total = total.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if total > at_most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
}
