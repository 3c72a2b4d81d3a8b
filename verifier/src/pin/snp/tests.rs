//! Against sev-snp-measure 0.0.13, which wrote every expected digest below, and the images of crate sev 8.0.0.

use std::io::{ErrorKind, Read};

use super::{
    BootHashes, CpuModel, Firmware, FirmwareError, Hypervisor, Launch, LaunchError, Measurement, kernel::hash, measure,
    to_policy_toml,
};

/// Ends of OVMF images, one page each: one with a place for a kernel's hashes, and one without.
const AMD_SEV: &[u8] = include_bytes!("../../../../tests/vectors/snp/measure/ovmf_AmdSev_suffix.bin");
const OVMF_X64: &[u8] = include_bytes!("../../../../tests/vectors/snp/measure/ovmf_OvmfX64_suffix.bin");

fn launch(hypervisor: Hypervisor, cpu: CpuModel) -> Launch<'static> {
    Launch { hypervisor, cpu, features: 1, boot: None }
}

fn digests(image: &[u8], launch: Launch<'_>, cpus: &[u32]) -> Vec<String> {
    let firmware = Firmware::read(image.to_vec()).unwrap();
    measure(&firmware, launch, cpus).unwrap().iter().map(hex::encode).collect()
}

fn boot(kernel: &[u8], initrd: &[u8], command_line: &str) -> BootHashes {
    BootHashes::of(kernel, Some(initrd), command_line).unwrap()
}

#[test]
fn qemu_s_guests_differ_by_model_and_number() {
    for (cpu, expected) in [
        (
            CpuModel::Milan,
            [
                "93f767a2bff8fc050ed48cfe6e2dc9bb4c45b2313c48df0159a6b22fdc5633307f93a7ec31cf6fc92a61a2ace3cb9679",
                "7ebc88066ce54aed30ae5dfadbb298613a046effdf58fbba3581cb752d7731f03805fb0154bbbe534fa30ac5bd661299",
                "05a898db12cf0549acbca41d5ee88ac9260e80f36ac98b8e2393ae7f8030fdb00fce63530669216220b38d390868c834",
            ],
        ),
        (
            CpuModel::Genoa,
            [
                "454918270eabb57fe9588d00df1c3935f71fde1e4ab922981376247b5a3be1eb6faf5cc74c9274c2f54286f09c001698",
                "3919b210f6562c034f07a3f6177c84e96bca4dc357b80186f0adf1fea3a198d64d3d52e1ac9fd85a67fd3c0f09df026a",
                "7f8dbe5139660d9d3a41c2c5a634672f5d04d983d2b275b3f2e964a9a613677158f42f4267550b3313d7ce8369a5969c",
            ],
        ),
        (
            CpuModel::Turin,
            [
                "4450c0703e809d10bad0ff1429817e9e95d0fbf9da316278d4f9acbbab8da5a695a098a90f9cfaaee831e91b6ed4d54c",
                "e472a0e049f4f9a3746c413bd2ec70f98cbc7019b1f4ad971fdfd5c7c1ec5dfef42b7a70d595ddb0895446019c577878",
                "13236a74091610a1e43bdc561437c37afe78f4e2125155ddc3c5146cd34f95f5404c87041599fad5cbbf4a3138ee2c41",
            ],
        ),
    ] {
        assert_eq!(digests(AMD_SEV, launch(Hypervisor::Qemu, cpu), &[1, 2, 4]), expected, "{cpu:?}");
    }
    let other = digests(OVMF_X64, launch(Hypervisor::Qemu, CpuModel::Naples), &[1]);
    let expected = "da0296de8193586a5512078dcd719eccecbd87e2b825ad4148c44f665dc87df21e5b49e21523a9ad993afdb6a30b4005";
    assert_eq!(other, [expected]);
}

#[test]
fn amazon_s_and_google_s_guests_do_not_differ_by_model() {
    for (hypervisor, expected) in [
        (
            Hypervisor::Ec2,
            [
                "fb789cb6b947b7bb7cfd108d5f654ca1937e94e29c00a8ae5e529b6ed23b84216c4f6e898127ccd3b34975b4d4cf3988",
                "45160b0bd6416da62b6cefb16afa8437d8d49d1d29428cf0f16373a4ef2911df1f7e01bf05a3d7ec3dd66090d24f59c7",
                "c1cdb69c9791afdefe6547b39179f47150788b8363b1a7b84d3ea5fbf649c0d776c8daf76a9be803f4eef483d3e06846",
            ],
        ),
        (
            Hypervisor::Gce,
            [
                "0d62cccec89752e245809461cf4fcd16b4f973e4ec040cefe07caf7b1cd6fcb4c331276faea5b62e630f899f392a7d69",
                "79dfaeda92b99cdb2ae455e964b5b8c867a1756ca4b12080ef461e207f68d738deb06eb11567a374090eea9b9731d6be",
                "ab17e200d6da7d23077e0daa1a969a5dd2901386483eaba0bd14c9b147d0b63877e65c794eeef634be92769acae79397",
            ],
        ),
    ] {
        for cpu in [CpuModel::Milan, CpuModel::Turin] {
            assert_eq!(digests(AMD_SEV, launch(hypervisor, cpu), &[1, 2, 4]), expected, "{hypervisor:?}, {cpu:?}");
        }
    }
}

#[test]
fn a_kernel_is_measured_where_the_firmware_has_a_place_for_it() {
    let nothing = boot(b"", b"", "");
    fn with(boot: Option<&BootHashes>, features: u64) -> Launch<'_> {
        Launch { boot, features, ..launch(Hypervisor::Qemu, CpuModel::Naples) }
    }
    for (launch, expected) in [
        (
            with(Some(&nothing), 1),
            "ddc5224521617a536ee7ce9dd6224d1b58a8d4fda1c741f3ac99fc4bfa04ba6e9fc98646d4a07a9079397fa3852819b5",
        ),
        (
            with(Some(&nothing), 0x21),
            "329c8ce0972ae52343b64d34a434a86f245dfd74f5ed7aae15d22efc78fb9683632b9b50e4e1d7fa41179ef98a7ef198",
        ),
        (
            with(None, 1),
            "19358ba9a7615534a9a1e2f0dfc29384dcd4dcb7062ff9c6013b26869a5fc6ecabe033c48dd6f6db5d6d76e7c5df632d",
        ),
        (
            Launch { hypervisor: Hypervisor::Ec2, ..with(Some(&nothing), 1) },
            "0883bd0eeb716e65b7b977a321c278d1e51b33b5c655fab985443bbcc65c086b9c15e8a0bd8811050dec7e24964e5056",
        ),
        (
            Launch { hypervisor: Hypervisor::Gce, ..with(Some(&nothing), 1) },
            "5da7106cf14cf46b1725ebab123eb9e53bd46a1e9f400cd0c08e7827b04b688ea8b4e403c8404efed4397ea5d5d0722e",
        ),
    ] {
        assert_eq!(digests(AMD_SEV, launch, &[1]), [expected], "{launch:?}");
    }
    assert_eq!(BootHashes::of(&b""[..], None::<&[u8]>, "").unwrap(), nothing, "no initrd is an empty one");
    for other in [boot(b"k", b"", ""), boot(b"", b"i", ""), boot(b"", b"", "c")] {
        assert_ne!(digests(AMD_SEV, with(Some(&other), 1), &[1]), digests(AMD_SEV, with(Some(&nothing), 1), &[1]));
    }
    let firmware = Firmware::read(OVMF_X64.to_vec()).unwrap();
    assert_eq!(measure(&firmware, with(Some(&nothing), 1), &[1]), Err(LaunchError::KernelUnmeasured));
}

#[test]
fn models_are_known_by_qemu_s_names_whatever_their_version() {
    for (name, model) in [
        ("EPYC", Some(CpuModel::Naples)),
        ("EPYC-v4", Some(CpuModel::Naples)),
        ("EPYC-IBPB", Some(CpuModel::Naples)),
        ("EPYC-Rome-v3", Some(CpuModel::Rome)),
        ("EPYC-Milan-v2", Some(CpuModel::Milan)),
        ("EPYC-Genoa", Some(CpuModel::Genoa)),
        ("EPYC-Turin-v1", Some(CpuModel::Turin)),
        ("EPYC-v0", None),
        ("EPYC-v", None),
        ("EPYC-v4-v4", None),
        ("epyc", None),
        ("EPYC-Venice", None),
        ("", None),
    ] {
        assert_eq!(CpuModel::of_name(name), model, "{name}");
    }
}

#[test]
fn digests_become_values_of_one_reference_of_a_policy() {
    let launch = launch(Hypervisor::Qemu, CpuModel::Milan);
    let guest = |digest, cpus| Measurement { digest: [digest; 48], cpus, model: Some("EPYC-\"Milan".to_owned()) };
    let toml = to_policy_toml("My guest", launch, &[guest(1, 1), guest(2, 4)]);
    let policy = format!(
        "prooftrail_policy = 1\nname = \"p\"\nrationale = \"r\"\n[[platform]]\nname = \"snp\"\nprimary = \"amd-sev-snp\"\n\
         [[rule]]\nid = \"image\"\nclaim = \"measurement\"\noperator = \"in\"\nreference = \"my-guest\"\n\
         rationale = \"r\"\n{toml}"
    );
    let policy = prooftrail_policy::PolicyDocument::parse(&policy).unwrap().compile(&[[0; 32]]).unwrap();
    let pins: Vec<_> = policy.pins().map(|pin| (pin.value.to_owned(), pin.note.unwrap().to_owned())).collect();
    let note = |cpus| format!("SEV-SNP guest of qemu, {cpus} x vCPU EPYC-\"Milan, features 0x1, firmware only");
    assert_eq!(pins, [("01".repeat(48), note(1)), ("02".repeat(48), note(4))]);
}

#[test]
fn guests_without_cpus_or_with_too_many_are_none() {
    let firmware = Firmware::read(AMD_SEV.to_vec()).unwrap();
    for count in [0, 4097, u32::MAX] {
        let measured = measure(&firmware, launch(Hypervisor::Qemu, CpuModel::Milan), &[1, count]);
        assert_eq!(measured, Err(LaunchError::Cpus(count)));
    }
}

#[test]
fn a_file_beyond_the_cap_is_refused() {
    assert_eq!(hash(&[0; 8][..], 8).unwrap(), hash(&[0; 8][..], 9).unwrap());
    assert_eq!(hash(&[0; 9][..], 8).unwrap_err().kind(), ErrorKind::FileTooLarge);
    assert!(BootHashes::of(b"x".chain(Failing), None::<&[u8]>, "").is_err());
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(ErrorKind::UnexpectedEof.into())
    }
}

/// The place of a byte sequence.
fn place(image: &[u8], find: &[u8]) -> usize {
    image.windows(find.len()).position(|window| window == find).unwrap()
}

#[test]
fn images_that_are_not_in_order_are_refused_each_for_its_reason() {
    let refused = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut image = AMD_SEV.to_vec();
        change(&mut image);
        Firmware::read(image).unwrap_err()
    };
    let metadata = place(AMD_SEV, b"ASEV");
    assert_eq!(refused(&|image| image.clear()), FirmwareError::Length(0));
    assert_eq!(refused(&|image| _ = image.pop()), FirmwareError::Length(4095));
    assert_eq!(refused(&|image| image.resize(super::MAX_FIRMWARE_BYTES + 4096, 0)), FirmwareError::Length(16_781_312));
    assert_eq!(refused(&|image| image.extend_from_slice(&[0; 4096])), FirmwareError::NoTable);
    assert_eq!(refused(&|image| image[4096 - 33] ^= 1), FirmwareError::NoTable);
    assert_eq!(refused(&|image| image[4096 - 50] = 0), FirmwareError::Entry);
    assert_eq!(refused(&|image| image[4096 - 49] = 0xFF), FirmwareError::Entry);
    assert_eq!(refused(&|image| image[metadata] ^= 1), FirmwareError::Metadata);
    assert_eq!(refused(&|image| image[metadata + 4] ^= 1), FirmwareError::Metadata);
    assert_eq!(refused(&|image| image[metadata + 8] = 2), FirmwareError::Metadata);
    assert_eq!(refused(&|image| image[metadata + 12] ^= 1), FirmwareError::Metadata);
    assert_eq!(refused(&|image| image[metadata + 16] = 1), FirmwareError::Section);
    assert_eq!(refused(&|image| image[metadata + 20] = 1), FirmwareError::Section);
    assert_eq!(refused(&|image| image[metadata + 23] = 0x7F), FirmwareError::Section);
    assert_eq!(refused(&|image| image[metadata + 24] = 9), FirmwareError::SectionType(9));
    let guid = [0x66, 0x65, 0x88, 0xDC];
    assert_eq!(refused(&|image| image[place(AMD_SEV, &guid)] ^= 1), FirmwareError::NoMetadata);
    for length in 0..AMD_SEV.len() {
        assert!(Firmware::read(AMD_SEV[..length].to_vec()).is_err());
        assert!(Firmware::read(AMD_SEV[length..].to_vec()).is_err() || length == 0);
    }
}
