//! What hostile files and bad disks try: every truncation, every flipped bit, sizes that lie, readers that fail.

use std::io::{self, Read};

use prooftrail_evidence::AwsLc;

use super::{
    super::{EifError, measure},
    image::{Image, RAMDISK, Section, repair_checksum},
    length, measure_bytes,
    vectors::{RESIGNED, SIGNED, UNSIGNED},
};

#[test]
fn no_truncation_is_measured() {
    for image in [UNSIGNED, SIGNED, RESIGNED] {
        assert!(measure_bytes(image).is_ok());
        for length in 0..image.len() {
            assert!(measure_bytes(&image[..length]).is_err(), "{length} bytes");
        }
    }
}

#[test]
fn a_file_that_shrinks_or_grows_while_it_is_read_is_not_measured() {
    let length = length(UNSIGNED);
    let measure = |image: &[u8]| measure(image, length, &AwsLc, &mut |_, _| {});
    for shorter in 0..UNSIGNED.len() {
        assert_eq!(measure(&UNSIGNED[..shorter]), Err(EifError::Truncated { length }));
    }
    assert_eq!(measure(&[UNSIGNED, &[0]].concat()), Err(EifError::Grown { length }));
}

#[test]
fn no_flipped_bit_is_measured() {
    for image in [UNSIGNED, SIGNED] {
        let mut image = image.to_vec();
        for offset in 0..image.len() {
            for bit in 0..8 {
                image[offset] ^= 1 << bit;
                assert!(measure_bytes(&image).is_err(), "byte {offset}, bit {bit}");
                image[offset] ^= 1 << bit;
            }
        }
    }
}

/// The checksum stops damage; the signature stops whoever repairs the checksum.
#[test]
fn a_signed_image_cannot_be_changed_where_it_is_measured() {
    let genuine = measure_bytes(SIGNED).unwrap();
    // Memory and processors to start with, and the content of the metadata, are nowhere in the measurements.
    let unmeasured = |offset| (8..24).contains(&offset) || (1356 + 12..1595).contains(&offset);
    let mut accepted = 0;
    for offset in (0..544).chain(548..SIGNED.len()) {
        let mut image = SIGNED.to_vec();
        image[offset] ^= 1 << (offset % 8);
        repair_checksum(&mut image);
        let Ok(measured) = measure_bytes(&image) else {
            assert!(!unmeasured(offset), "byte {offset}");
            continue;
        };
        accepted += 1;
        let registers = [measured.pcr0, measured.pcr1, measured.pcr2];
        assert_eq!(registers, [genuine.pcr0, genuine.pcr1, genuine.pcr2], "byte {offset}");
        assert_eq!(measured == genuine, unmeasured(offset), "byte {offset}");
    }
    assert!(accepted > 16 + 227, "the certificate is measured, so other certificates of the key are others");
}

#[test]
fn a_header_that_lies_costs_its_own_548_bytes() {
    let lies: [fn(&mut Image); 6] = [
        // One size may be stale, if it turns out to be the signature's; two may not.
        |image| image.sizes.extend([(3, 5), (4, 12)]),
        |image| image.sizes.extend((0..5).map(|index| (index, 1 << 63))),
        |image| image.offsets.extend((0..5).map(|index| (index, 1 << 63))),
        |image| image.sizes.push((4, u64::MAX)),
        // Offsets and sizes that agree with each other, and not with the file.
        |image| {
            image.sizes.push((0, 1 << 63));
            image.offsets.extend((1..5).map(|index| (index, (1 << 63) + 560)));
        },
        |image| {
            image.sizes.push((3, u64::MAX));
            image.offsets.push((4, u64::MAX));
        },
    ];
    for lie in lies {
        let image = Image::new().with(lie).write();
        let mut unread = image.as_slice();
        let error = measure(&mut unread, length(&image), &AwsLc, &mut |_, _| {}).unwrap_err();
        assert!(matches!(error, EifError::Offset { .. } | EifError::OutsideFile { .. }), "{error}");
        assert_eq!(image.len() - unread.len(), 548, "{error}");
    }
}

/// Gives a byte at a time and is interrupted before each.
struct Trickle<'a> {
    image: &'a [u8],
    interrupt: bool,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupt = !self.interrupt;
        if self.interrupt {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let piece = buffer.len().min(1);
        self.image.read(&mut buffer[..piece])
    }
}

#[test]
fn how_the_bytes_arrive_does_not_matter() {
    let trickle = Trickle { image: SIGNED, interrupt: false };
    let measured = measure(trickle, length(SIGNED), &AwsLc, &mut |_, _| {});
    assert_eq!(measured, measure_bytes(SIGNED));
}

#[test]
fn sections_around_the_size_of_a_chunk_are_measured_and_progress_is_told() {
    let image = Image::new().with(|image| {
        for length in [65_535, 65_536, 65_537, 131_072, 200_001] {
            let content: Vec<u8> = (0..length).map(|index: u32| index.to_le_bytes()[0]).collect();
            image.sections.push(Section::new(RAMDISK, &content));
        }
    });
    let file = image.write();
    let length = length(&file);
    let mut told = vec![0];
    let measured = measure(file.as_slice(), length, &AwsLc, &mut |done, of| {
        assert_eq!(of, length);
        told.push(done);
    });
    let measured = measured.unwrap();
    assert_eq!([measured.pcr0, measured.pcr1, measured.pcr2], image.registers());
    assert!(told.windows(2).all(|pair| (1..=65_536).contains(&(pair[1] - pair[0]))), "{told:?}");
    assert_eq!(told.last(), Some(&length));
}

/// Fails after its bytes.
struct BadDisk<'a>(&'a [u8]);

impl Read for BadDisk<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::new(io::ErrorKind::PermissionDenied, "bad sector")),
            read => Ok(read),
        }
    }
}

#[test]
fn a_bad_disk_is_reported_with_its_words() {
    for (readable, after) in [(0, 0), (560, 560), (UNSIGNED.len(), length(UNSIGNED))] {
        let disk = BadDisk(&UNSIGNED[..readable]);
        let (kind, message) = (io::ErrorKind::PermissionDenied, "bad sector".to_owned());
        assert_eq!(
            measure(disk, length(UNSIGNED), &AwsLc, &mut |_, _| {}),
            Err(EifError::Read { after, kind, message })
        );
    }
}
