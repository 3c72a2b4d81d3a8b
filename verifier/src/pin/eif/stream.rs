//! The image as it is read: once, forwards, in pieces of 64 KiB, with the checksum and the progress along the way.

use std::io::{self, Read};

use super::{EifError, layout::length_of};

/// How much of a section is in memory at a time, in bytes.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;

/// A reader that knows how many bytes it has to give.
pub(super) struct Stream<'a, R> {
    image: R,
    crc32: crc32fast::Hasher,
    done: u64,
    length: u64,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl<'a, R: Read> Stream<'a, R> {
    /// An image of `length` bytes, to be read from its start.
    pub(super) fn new(image: R, length: u64, progress: &'a mut dyn FnMut(u64, u64)) -> Self {
        Self { image, crc32: crc32fast::Hasher::new(), done: 0, length, progress }
    }

    /// Fills `bytes`, which the checksum covers.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<(), EifError> {
        self.read_uncovered(bytes)?;
        self.crc32.update(bytes);
        Ok(())
    }

    /// Fills `bytes`, which the checksum does not cover: the checksum itself.
    pub(super) fn read_uncovered(&mut self, bytes: &mut [u8]) -> Result<(), EifError> {
        self.image.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => EifError::Truncated { length: self.length },
            _ => self.failed(&error),
        })?;
        self.done = self.done.saturating_add(length_of(bytes.len()));
        (self.progress)(self.done, self.length);
        Ok(())
    }

    /// Reads `length` bytes through `buffer` and hands each piece on.
    pub(super) fn pass(&mut self, length: u64, buffer: &mut [u8], mut to: impl FnMut(&[u8])) -> Result<(), EifError> {
        let mut left = length;
        while left > 0 {
            let piece = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let (chunk, _) = buffer.split_at_mut(piece);
            self.read(chunk)?;
            to(chunk);
            left = left.saturating_sub(length_of(piece));
        }
        Ok(())
    }

    /// Demands that nothing follows.
    pub(super) fn end(&mut self) -> Result<(), EifError> {
        loop {
            match self.image.read(&mut [0]) {
                Ok(0) => return Ok(()),
                Ok(_) => return Err(EifError::Grown { length: self.length }),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }

    /// CRC-32/ISO-HDLC of what has been read.
    pub(super) fn crc32(&self) -> u32 {
        self.crc32.clone().finalize()
    }

    fn failed(&self, error: &io::Error) -> EifError {
        EifError::Read { after: self.done, kind: error.kind(), message: error.to_string() }
    }
}
