//! One image that is in order, in every variety; then one mutation per rule, each with its exact error.

use super::{
    super::{Architecture, EifError, MAX_IMAGE_BYTES, Notice, SectionKind, measure},
    image::{CMDLINE, Image, KERNEL, METADATA, RAMDISK, SIGNATURE, Section},
    length, measure_bytes,
};
use prooftrail_evidence::{AwsLc, MAX_EIF_SIGNATURE_BYTES};

#[test]
fn an_image_is_measured() {
    let image = Image::new();
    let measured = measure_bytes(&image.write()).unwrap();
    assert_eq!([measured.pcr0, measured.pcr1, measured.pcr2], image.registers());
    assert_eq!((measured.version, measured.architecture), (4, Architecture::X86_64));
    assert_eq!((measured.signer.as_ref(), measured.notices()), (None, Vec::new()));
    let sections: Vec<_> = measured.sections.iter().map(|section| (section.kind, section.bytes)).collect();
    assert_eq!(
        sections,
        [
            (SectionKind::Kernel, 6),
            (SectionKind::CommandLine, 13),
            (SectionKind::Metadata, 2),
            (SectionKind::Ramdisk, 4),
            (SectionKind::Ramdisk, 11),
        ]
    );
}

#[test]
fn what_the_format_leaves_open_is_accepted() {
    type Change = fn(&mut Image);
    let varieties: [(&str, Change, &[Notice]); 9] = [
        ("arm", |image| image.flags = 1, &[]),
        ("version 3", |image| drop((image.version = 3, image.sections.remove(2))), &[]),
        ("version 2", |image| drop((image.version = 2, image.sections.remove(2))), &[]),
        ("no metadata", |image| drop(image.sections.remove(2)), &[]),
        ("metadata last", |image| image.sections[2..].rotate_left(1), &[]),
        ("one ramdisk", |image| drop(image.sections.pop()), &[Notice::NoApplicationRamdisk]),
        ("empty sections", |image| image.sections.iter_mut().for_each(|section| section.content.clear()), &[]),
        ("32 sections", |image| image.sections.resize(32, Section::new(RAMDISK, b"more")), &[]),
        ("swapped", |image| image.sections.swap(0, 4), &[Notice::UnusualOrder]),
    ];
    for (variety, change, notices) in varieties {
        let image = Image::new().with(change);
        let measured = measure_bytes(&image.write()).unwrap();
        assert_eq!([measured.pcr0, measured.pcr1, measured.pcr2], image.registers(), "{variety}");
        assert_eq!(measured.version, image.version, "{variety}");
        assert_eq!(measured.architecture == Architecture::Aarch64, image.flags == 1, "{variety}");
        assert_eq!(measured.notices(), notices, "{variety}");
    }
}

#[test]
fn metadata_is_not_measured_and_order_is() {
    let image = Image::new();
    let measured = measure_bytes(&image.write()).unwrap();
    let metadata = image.clone().with(|image| image.sections[2].content = b"not even JSON".to_vec());
    let metadata = measure_bytes(&metadata.write()).unwrap();
    assert_eq!((metadata.pcr0, metadata.pcr1, metadata.pcr2), (measured.pcr0, measured.pcr1, measured.pcr2));

    let swapped = measure_bytes(&image.with(|image| image.sections.swap(3, 4)).write()).unwrap();
    for (register, [before, after]) in
        [[measured.pcr0, swapped.pcr0], [measured.pcr1, swapped.pcr1], [measured.pcr2, swapped.pcr2]].iter().enumerate()
    {
        assert_ne!(before, after, "PCR{register}");
    }
}

#[test]
fn every_rule_of_the_header_has_its_error() {
    use EifError as E;
    type Change = fn(&mut Image);
    // Offsets of the sections: 548, 566, 591, 605, 621; the file ends at 644.
    let rules: [(Change, EifError); 24] = [
        (|image| image.magic = *b"\x7FELF", E::NotAnEif { found: *b"\x7FELF" }),
        (|image| image.version = 0, E::Version { found: 0 }),
        (|image| image.version = 1, E::Version { found: 1 }),
        (|image| image.version = 5, E::Version { found: 5 }),
        (|image| image.flags = 2, E::Flags { found: 2 }),
        (|image| image.flags = 0x8001, E::Flags { found: 0x8001 }),
        (|image| image.reserved = 1, E::Reserved { reserved: 1, unused: 0 }),
        (|image| image.unused = 1, E::Reserved { reserved: 0, unused: 1 }),
        (|image| image.count = Some(0), E::SectionCount { found: 0 }),
        (|image| drop(image.sections.drain(2..)), E::SectionCount { found: 2 }),
        (|image| image.sections.resize(33, Section::new(RAMDISK, b"")), E::SectionCount { found: 33 }),
        (|image| image.count = Some(u16::MAX), E::SectionCount { found: u16::MAX }),
        (|image| image.count = Some(4), E::UnusedEntry { entry: 5, count: 4 }),
        (|image| image.offsets.push((31, 1)), E::UnusedEntry { entry: 32, count: 5 }),
        (|image| image.sizes.push((5, 1)), E::UnusedEntry { entry: 6, count: 5 }),
        (|image| image.offsets.push((0, 549)), E::Offset { section: 1, found: 549, expected: 548 }),
        (|image| image.offsets.push((0, 0)), E::Offset { section: 1, found: 0, expected: 548 }),
        // Overlapping its neighbour, by the whole header of a section and more.
        (|image| image.offsets.push((1, 559)), E::Offset { section: 2, found: 559, expected: 566 }),
        (|image| image.offsets.extend([(1, 591), (2, 566)]), E::Offset { section: 2, found: 591, expected: 566 }),
        (|image| image.offsets.push((1, 1 << 63)), E::Offset { section: 2, found: 1 << 63, expected: 566 }),
        (|image| image.sizes.push((0, 1 << 63)), E::Offset { section: 2, found: 566, expected: (1 << 63) + 560 }),
        (|image| image.sizes.push((4, u64::MAX)), E::OutsideFile { section: 5, end: u64::MAX, length: 644 }),
        (|image| image.offsets.push((4, 640)), E::Offset { section: 5, found: 640, expected: 621 }),
        (|image| image.count = Some(6), E::Offset { section: 6, found: 0, expected: 644 }),
    ];
    for (change, error) in rules {
        assert_eq!(measure_bytes(&Image::new().with(change).write()), Err(error));
    }
}

#[test]
fn every_rule_of_the_sections_has_its_error() {
    use EifError as E;
    use SectionKind as K;
    type Change = fn(&mut Image);
    let rules: [(Change, EifError); 22] = [
        (|image| image.sections[1].kind = 0, E::SectionType { section: 2, found: 0 }),
        (|image| image.sections[1].kind = 6, E::SectionType { section: 2, found: 6 }),
        (|image| image.sections[4].flags = 1, E::SectionFlags { section: 5, found: 1 }),
        (
            |image| image.sections[0].size = Some(5),
            E::SectionSize { section: 1, kind: K::Kernel, found: 5, expected: 6 },
        ),
        (
            |image| image.sections[3].size = Some(u64::MAX),
            E::SectionSize { section: 4, kind: K::Ramdisk, found: u64::MAX, expected: 4 },
        ),
        (|image| image.sizes.push((1, 12)), E::Offset { section: 3, found: 591, expected: 590 }),
        (|image| image.sizes.push((3, 5)), E::Offset { section: 5, found: 621, expected: 622 }),
        (|image| image.sizes.extend([(3, 5), (4, 12)]), E::Offset { section: 5, found: 621, expected: 622 }),
        (|image| image.sizes.push((4, 12)), E::OutsideFile { section: 5, end: 645, length: 644 }),
        (|image| image.trailing = b"unmeasured".to_vec(), E::TrailingBytes { bytes: 10 }),
        (
            // The section's own header covers what follows; the table does not.
            |image| {
                image.trailing = b"unmeasured".to_vec();
                image.sections[4].size = Some(21);
            },
            E::TrailingBytes { bytes: 10 },
        ),
        (|image| image.trailing = vec![0; MAX_EIF_SIGNATURE_BYTES], E::TrailingBytes { bytes: 65_536 }),
        (|image| image.version = 3, E::NotInVersion { kind: K::Metadata, version: 3 }),
        (
            |image| {
                image.version = 2;
                image.sections[2].kind = SIGNATURE;
            },
            E::NotInVersion { kind: K::Signature, version: 2 },
        ),
        (|image| image.sections[4].kind = KERNEL, E::Duplicate { kind: K::Kernel }),
        (|image| image.sections[4].kind = CMDLINE, E::Duplicate { kind: K::CommandLine }),
        (|image| image.sections[4].kind = METADATA, E::Duplicate { kind: K::Metadata }),
        (
            |image| {
                image.sections[2].kind = SIGNATURE;
                image.sections[4].kind = SIGNATURE;
            },
            E::Duplicate { kind: K::Signature },
        ),
        (
            |image| {
                let content = vec![0; MAX_EIF_SIGNATURE_BYTES + 1];
                image.sections.push(Section::new(SIGNATURE, &content));
            },
            E::SignatureTooLarge { bytes: 65_536 + 1 },
        ),
        (|image| drop(image.sections.remove(0)), E::Missing { kind: K::Kernel }),
        (|image| drop(image.sections.remove(1)), E::Missing { kind: K::CommandLine }),
        (|image| drop(image.sections.drain(3..)), E::Missing { kind: K::Ramdisk }),
    ];
    for (change, error) in rules {
        assert_eq!(measure_bytes(&Image::new().with(change).write()), Err(error));
    }
}

#[test]
fn damage_is_reported_as_damage() {
    let wrong = Image::new().with(|image| image.checksum_error = 1).write();
    let stored = u32::from_be_bytes(wrong[544..548].try_into().unwrap());
    assert_eq!(measure_bytes(&wrong), Err(EifError::Checksum { stored, computed: stored.wrapping_sub(1) }));
    // Before anything that it may explain.
    let missing = Image::new().with(|image| {
        image.checksum_error = 1;
        image.sections.remove(0);
    });
    assert!(matches!(measure_bytes(&missing.write()), Err(EifError::Checksum { .. })));
}

#[test]
fn lengths_are_held_against_the_file() {
    let image = Image::new().write();
    let length = length(&image);
    let measure_as = |image: &[u8], length| measure(image, length, &AwsLc, &mut |_, _| {});
    let measure = |length| measure_as(&image, length);
    assert_eq!(measure(0), Err(EifError::TooShort { bytes: 0 }));
    assert_eq!(measure(547), Err(EifError::TooShort { bytes: 547 }));
    assert_eq!(measure(MAX_IMAGE_BYTES + 1), Err(EifError::TooLarge { bytes: MAX_IMAGE_BYTES + 1 }));
    assert_eq!(measure(MAX_IMAGE_BYTES), Err(EifError::TrailingBytes { bytes: MAX_IMAGE_BYTES - length }));
    for shorter in [length - 1, length - 11, length - 12, length - 23] {
        assert_eq!(measure(shorter), Err(EifError::OutsideFile { section: 5, end: length, length: shorter }));
    }
    let empty = Image::new().with(|image| image.sections[4].content.clear()).write();
    for shorter in 621..633 {
        assert_eq!(measure_as(&empty, shorter), Err(EifError::OutsideFile { section: 5, end: 633, length: shorter }));
    }
    assert_eq!(measure(548), Err(EifError::OutsideFile { section: 5, end: length, length: 548 }));
}
