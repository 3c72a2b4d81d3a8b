//! What a device says beside its measurements. A list of entries with public fields comes in, either generation of the format
//! goes out.

/// Types of entries.
pub mod entry {
    /// The driver's version, ASCII with a zero behind it.
    pub const DRIVER_VERSION: u16 = 3;
    /// The VBIOS's version, eight bytes, or a switch's BIOS's, ASCII.
    pub const VBIOS_VERSION: u16 = 6;
    /// Whether the video decoder is enabled.
    pub const NVDEC0_STATUS: u16 = 11;
    /// Counts of measurements.
    pub const MEASUREMENT_COUNTS: u16 = 12;
    /// The board.
    pub const CHIP_SKU: u16 = 15;
    /// The board.
    pub const PROJECT: u16 = 17;
    /// The board.
    pub const PROJECT_SKU: u16 = 18;
    /// The firmware's digest.
    pub const FWID: u16 = 20;
    /// Whether Protected PCIe mode is on.
    pub const PROTECTED_PCIE_STATUS: u16 = 21;
    /// A GPU's switches, link by link; a switch's own identifier.
    pub const SWITCH_PDI: u16 = 22;
    /// Ports of a switch that are disabled.
    pub const DISABLED_PORTS: u16 = 23;
    /// A switch's GPUs.
    pub const GPU_PDIS: u16 = 26;
    /// The version of the format, in its first generation.
    pub const OPAQUE_DATA_VERSION: u16 = 34;
    /// How the GPU is passed through.
    pub const FEATURE_FLAG: u16 = 36;
    /// The security version of the FSP's microcode, in the second generation.
    pub const FSP_UCODE_SVN: u16 = 37;
}

/// Types of values in the second generation.
pub mod value_type {
    /// A digest.
    pub const DIGEST: u16 = 0x01;
    /// Bytes or text.
    pub const BYTES: u16 = 0x82;
    /// A state.
    pub const STATUS: u16 = 0x85;
    /// A version.
    pub const VERSION: u16 = 0x86;
    /// A security version.
    pub const MIN_SVN: u16 = 0x87;
}

/// Opaque data before they are encoded.
#[derive(Clone, Debug)]
pub struct Opaque {
    /// The header; without one the data are of the first generation.
    pub header: Option<Header>,
    /// The entries, in order.
    pub entries: Vec<OpaqueEntry>,
    /// Bytes in the place of all that.
    pub raw: Option<Vec<u8>>,
}

/// The header of the second generation.
#[derive(Clone, Debug)]
pub struct Header {
    /// Six characters.
    pub magic: [u8; 6],
    /// 0.
    pub profile: u16,
    /// Major, minor, patch.
    pub version: [u8; 3],
    /// 0.
    pub padding: u8,
}

/// One entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpaqueEntry {
    /// Its type.
    pub id: u16,
    /// The type of its value, which the first generation leaves out.
    pub value_type: u16,
    /// Its data.
    pub data: Vec<u8>,
}

impl Opaque {
    /// Of a GPU that is passed through alone.
    #[must_use]
    pub fn of_gpu(driver: &str, [first, second, third, fourth, fifth]: [u8; 5], fwid: [u8; 48]) -> Self {
        let padded = |text: &str, length: usize| {
            let mut bytes = text.as_bytes().to_vec();
            bytes.resize(length, 0);
            bytes
        };
        let entries = [
            (entry::VBIOS_VERSION, value_type::VERSION, vec![fourth, third, second, first, fifth, 0, 0, 0]),
            (entry::CHIP_SKU, value_type::BYTES, padded("862", 9)),
            (entry::PROJECT, value_type::BYTES, padded("1010", 5)),
            (entry::PROJECT_SKU, value_type::BYTES, padded("0205", 5)),
            (entry::DRIVER_VERSION, value_type::VERSION, padded(driver, driver.len() + 1)),
            (entry::MEASUREMENT_COUNTS, value_type::BYTES, vec![0; 256]),
            (entry::NVDEC0_STATUS, value_type::BYTES, vec![0x55]),
            (entry::FWID, value_type::DIGEST, fwid.to_vec()),
            (entry::PROTECTED_PCIE_STATUS, value_type::STATUS, vec![0x55]),
            (entry::OPAQUE_DATA_VERSION, value_type::VERSION, vec![1, 0]),
            (entry::FEATURE_FLAG, value_type::STATUS, vec![0, 0]),
        ];
        Self::of(entries)
    }

    /// Of a switch without GPUs.
    #[must_use]
    pub fn of_switch(bios: &str, pdi: [u8; 8]) -> Self {
        let entries = [
            (entry::VBIOS_VERSION, value_type::VERSION, bios.as_bytes().to_vec()),
            (entry::SWITCH_PDI, value_type::BYTES, pdi.to_vec()),
            (entry::GPU_PDIS, value_type::BYTES, gpu_pdis(&[])),
            (entry::DISABLED_PORTS, value_type::BYTES, vec![0xEC, 0]),
        ];
        Self::of(entries)
    }

    fn of<const N: usize>(entries: [(u16, u16, Vec<u8>); N]) -> Self {
        let entries = entries.into_iter().map(|(id, value_type, data)| OpaqueEntry { id, value_type, data });
        Self { header: None, entries: entries.collect(), raw: None }
    }

    /// The same in the second generation, as drivers of CUDA 13.5 write it.
    #[must_use]
    pub fn versioned(mut self) -> Self {
        self.header = Some(Header { magic: *b"NVDAOD", profile: 0, version: [2, 0, 0], padding: 0 });
        self.set_typed(entry::OPAQUE_DATA_VERSION, value_type::VERSION, &[0, 2]);
        self.set_typed(entry::FSP_UCODE_SVN, value_type::MIN_SVN, &[7, 0]);
        self
    }

    /// Puts data where an entry of that type stands, or at the end.
    pub fn set(&mut self, id: u16, data: &[u8]) {
        self.set_typed(id, value_type::BYTES, data);
    }

    /// The same, and the type of the value where the entry is new.
    pub fn set_typed(&mut self, id: u16, value_type: u16, data: &[u8]) {
        match self.entries.iter_mut().find(|entry| entry.id == id) {
            Some(entry) => entry.data = data.to_vec(),
            None => self.entries.push(OpaqueEntry { id, value_type, data: data.to_vec() }),
        }
    }

    /// Takes away the entries of that type.
    ///
    /// # Panics
    /// When there is none.
    pub fn remove(&mut self, id: u16) {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.id != id);
        assert_ne!(self.entries.len(), before, "there is such an entry");
    }

    /// Names the switches at the ends of a GPU's 18 links, in turn.
    pub fn set_switches(&mut self, switches: &[[u8; 8]]) {
        let links = switches.iter().cycle().take(18).flat_map(|pdi| pdi.iter().rev().copied());
        self.set(entry::SWITCH_PDI, &links.collect::<Vec<u8>>());
    }

    /// Names a switch's GPUs.
    pub fn set_gpus(&mut self, gpus: &[[u8; 8]]) {
        self.set(entry::GPU_PDIS, &gpu_pdis(gpus));
    }

    /// The bytes.
    #[expect(clippy::expect_used, reason = "a test's entry fits 16 bits of length")]
    pub(super) fn encode(&self) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let mut out = Vec::new();
        if let Some(Header { magic, profile, version, padding }) = &self.header {
            out.extend_from_slice(magic);
            out.extend(profile.to_le_bytes());
            out.extend_from_slice(version);
            out.push(*padding);
        }
        for OpaqueEntry { id, value_type, data } in &self.entries {
            out.extend(id.to_le_bytes());
            if self.header.is_some() {
                out.extend(value_type.to_le_bytes());
            }
            out.extend(u16::try_from(data.len()).expect("a short entry").to_le_bytes());
            out.extend_from_slice(data);
        }
        out
    }
}

/// Eight places for GPUs, and as many for the ports that lead to them.
fn gpu_pdis(gpus: &[[u8; 8]]) -> Vec<u8> {
    let mut out = gpus.concat();
    out.resize(96, 0xFF);
    out.resize(128, 0x07);
    out
}
