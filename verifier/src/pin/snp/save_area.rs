//! What a virtual CPU begins with: its save area (AMD 24593, APM volume 2, table B-4), a page that is measured for each of
//! them.
//!
//! In: how the guest is started. Out: the page. Everything that is not named here is zero.

use super::{Hypervisor, Launch, PAGE_BYTES};

/// Where the first virtual CPU begins: the reset vector.
const RESET_VECTOR: u32 = 0xFFFF_FFF0;

/// A model of virtual CPUs, by the family, model and stepping that QEMU gives it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CpuModel {
    /// `EPYC`, in any of its versions.
    Naples,
    /// `EPYC-Rome`.
    Rome,
    /// `EPYC-Milan`.
    Milan,
    /// `EPYC-Genoa`.
    Genoa,
    /// `EPYC-Turin`.
    Turin,
}

impl CpuModel {
    /// The models by QEMU's names.
    const NAMES: [(&'static str, Self); 6] = [
        ("EPYC", Self::Naples),
        ("EPYC-IBPB", Self::Naples),
        ("EPYC-Rome", Self::Rome),
        ("EPYC-Milan", Self::Milan),
        ("EPYC-Genoa", Self::Genoa),
        ("EPYC-Turin", Self::Turin),
    ];

    /// The model that QEMU has under a name. Versions (`-v1` and so on) begin alike.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let unversioned = match name.rsplit_once("-v") {
            Some((model, version)) if version.len() == 1 && version.bytes().all(|c| matches!(c, b'1'..=b'9')) => model,
            _ => name,
        };
        Self::NAMES.iter().find(|(known, _)| *known == unversioned).map(|(_, model)| *model)
    }

    /// The names that [`Self::of_name`] knows, without versions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(name, _)| *name)
    }

    /// EAX of CPUID Fn0000_0001 (AMD 25481): extended family, extended model, base family, base model, stepping.
    const fn signature(self) -> u32 {
        match self {
            Self::Naples => 0x0080_0F12,
            Self::Rome => 0x0083_0F10,
            Self::Milan => 0x00A0_0F11,
            Self::Genoa => 0x00A1_0F10,
            Self::Turin => 0x00B0_0F00,
        }
    }
}

/// What differs between hypervisors.
struct Registers {
    code_attributes: u16,
    stack_attributes: u16,
    task_attributes: u16,
    page_attribute_table: u64,
    rdx: u64,
    mxcsr: u32,
    x87_control: u16,
}

/// A save area.
pub(super) struct SaveArea([u8; PAGE_BYTES]);

impl SaveArea {
    /// The first virtual CPU's.
    pub(super) fn first(launch: Launch<'_>) -> Self {
        Self::at(launch, RESET_VECTOR)
    }

    /// A further virtual CPU's, which begins at an address of the firmware's.
    pub(super) fn further(launch: Launch<'_>, address: u32) -> Self {
        Self::at(launch, address)
    }

    pub(super) fn page(&self) -> [u8; PAGE_BYTES] {
        self.0
    }

    fn at(launch: Launch<'_>, address: u32) -> Self {
        let registers = registers(launch, address == RESET_VECTOR);
        let mut area = Self([0; PAGE_BYTES]);
        let data = Segment { selector: 0, attributes: 0x93, base: 0 };
        let code =
            Segment { selector: 0xF000, attributes: registers.code_attributes, base: u64::from(address & 0xFFFF_0000) };
        area.segment(0x000, data); // ES
        area.segment(0x010, code);
        area.segment(0x020, Segment { attributes: registers.stack_attributes, ..data });
        area.segment(0x030, data); // DS
        area.segment(0x040, data); // FS
        area.segment(0x050, data); // GS
        area.segment(0x060, Segment { attributes: 0, ..data }); // GDTR
        area.segment(0x070, Segment { attributes: 0x82, ..data }); // LDTR
        area.segment(0x080, Segment { attributes: 0, ..data }); // IDTR
        area.segment(0x090, Segment { attributes: registers.task_attributes, ..data }); // TR
        area.put(0x0D0, &0x1000_u64.to_le_bytes()); // EFER: SVME
        area.put(0x148, &0x40_u64.to_le_bytes()); // CR4: MCE
        area.put(0x158, &0x10_u64.to_le_bytes()); // CR0: ET
        area.put(0x160, &0x400_u64.to_le_bytes()); // DR7
        area.put(0x168, &0xFFFF_0FF0_u64.to_le_bytes()); // DR6
        area.put(0x170, &0x2_u64.to_le_bytes()); // RFLAGS
        area.put(0x178, &u64::from(address & 0xFFFF).to_le_bytes()); // RIP
        area.put(0x268, &registers.page_attribute_table.to_le_bytes()); // G_PAT
        area.put(0x310, &registers.rdx.to_le_bytes());
        area.put(0x3B0, &launch.features.to_le_bytes()); // SEV_FEATURES
        area.put(0x3E8, &1_u64.to_le_bytes()); // XCR0: x87
        area.put(0x408, &registers.mxcsr.to_le_bytes());
        area.put(0x410, &registers.x87_control.to_le_bytes());
        area
    }

    /// Selector, attributes, limit of 64 KiB, base.
    fn segment(&mut self, offset: usize, segment: Segment) {
        self.put(offset, &segment.selector.to_le_bytes());
        self.put(offset + 2, &segment.attributes.to_le_bytes());
        self.put(offset + 4, &0xFFFF_u32.to_le_bytes());
        self.put(offset + 8, &segment.base.to_le_bytes());
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) {
        if let Some(place) = self.0.get_mut(offset..offset + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
}

#[derive(Clone, Copy)]
struct Segment {
    selector: u16,
    attributes: u16,
    base: u64,
}

fn registers(launch: Launch<'_>, is_first: bool) -> Registers {
    /// The PAT's value after a reset (APM volume 2, section 7.8.2).
    const RESET_PAGE_ATTRIBUTES: u64 = 0x0007_0406_0007_0406;
    match launch.hypervisor {
        Hypervisor::Qemu => Registers {
            code_attributes: 0x9B,
            stack_attributes: 0x93,
            task_attributes: 0x8B,
            page_attribute_table: RESET_PAGE_ATTRIBUTES,
            rdx: launch.cpu.signature().into(),
            mxcsr: 0x1F80,
            x87_control: 0x37F,
        },
        Hypervisor::Ec2 => Registers {
            code_attributes: if is_first { 0x9A } else { 0x9B },
            stack_attributes: 0x92,
            task_attributes: 0x83,
            page_attribute_table: RESET_PAGE_ATTRIBUTES,
            rdx: 0x600,
            mxcsr: 0,
            x87_control: 0,
        },
        Hypervisor::Gce => Registers {
            code_attributes: 0x9B,
            stack_attributes: 0x93,
            task_attributes: 0x8B,
            page_attribute_table: 0x0007_0106,
            rdx: 0x600,
            mxcsr: 0,
            x87_control: 0,
        },
    }
}
