//! The child's three streams: the witness in, by pipe or sealed memory file; output and errors out, counted and capped.

use std::{
    fs::File,
    io::{self, PipeReader, PipeWriter, Read, Write},
    os::fd::AsRawFd,
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::fs::{MemfdFlags, SealFlags};

/// Writes into a pipe; goes on without one when the reader has closed it, and stops when told to.
struct UntilClosed<'a> {
    pipe: &'a PipeWriter,
    is_open: bool,
    stop: &'a AtomicBool,
}

impl Write for UntilClosed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("stopped"));
        }
        if !self.is_open {
            return Ok(bytes.len());
        }
        match self.pipe.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_open = false;
                Ok(bytes.len())
            }
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Feeds the command; a failed feed gives the pipe back, still open.
pub(super) fn pipe(
    pipe: PipeWriter,
    stop: &AtomicBool,
    witness: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> (io::Result<()>, Option<PipeWriter>) {
    let fed = witness(&mut UntilClosed { pipe: &pipe, is_open: true, stop });
    let open_end = fed.is_err().then_some(pipe);
    (fed, open_end)
}

/// An empty file in memory that can be sealed.
pub(super) fn memory_file() -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    Ok(rustix::fs::memfd_create(c"witness", flags)?.into())
}

/// The same file, opened for reading, with a position of its own.
pub(super) fn reopen(memory: &File) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{}", memory.as_raw_fd()))
}

/// Fills the file and seals it: nobody can write, grow, shrink or unseal it any more.
pub(super) fn memory(mut memory: File, witness: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    witness(&mut memory)?;
    rustix::fs::fcntl_add_seals(&memory, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(())
}

/// Keeps the first `most` bytes of standard output, and counts them all.
pub(super) fn keep(stream: PipeReader, most: usize) -> io::Result<(Vec<u8>, u64)> {
    let mut kept = Vec::new();
    let total = copy_first(stream, most, |bytes| kept.extend_from_slice(bytes))?;
    Ok((kept, total))
}

/// Passes the first `most` bytes of standard error on to ours, and counts them all.
pub(super) fn forward(stream: PipeReader, most: usize) -> io::Result<u64> {
    // Nothing is left to tell when our own standard error is gone.
    copy_first(stream, most, |bytes| drop(io::stderr().write_all(bytes)))
}

fn copy_first(mut stream: PipeReader, most: usize, mut pass_on: impl FnMut(&[u8])) -> io::Result<u64> {
    // What a prover prints may be its witness: the block is wiped, and nothing beyond the cap is held.
    let mut block = zeroize::Zeroizing::new(vec![0; 1 << 16]);
    let (mut total, mut left) = (0_u64, most);
    loop {
        let count = match stream.read(&mut block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if count == 0 {
            return Ok(total);
        }
        let now = count.min(left);
        pass_on(block.get(..now).unwrap_or_default());
        left -= now;
        total = total.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Read, Write},
        sync::atomic::AtomicBool,
        thread,
    };

    #[test]
    fn output_beyond_the_cap_is_counted_and_dropped() {
        let (reader, mut writer) = io::pipe().unwrap();
        let writing = thread::spawn(move || (0..100).for_each(|_| writer.write_all(&[7; 10_000]).unwrap()));
        assert_eq!(super::keep(reader, 12_345).unwrap(), (vec![7; 12_345], 1_000_000));
        writing.join().unwrap();
    }

    #[test]
    fn a_reader_that_stops_does_not_stop_the_witness_but_a_failure_keeps_the_pipe_open() {
        let never = AtomicBool::new(false);
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let (fed, open_end) = super::pipe(writer, &never, |to| to.write_all(&[1; 1 << 20]));
        assert!(fed.is_ok() && open_end.is_none());

        let (mut reader, writer) = io::pipe().unwrap();
        let (fed, open_end) =
            super::pipe(writer, &never, |to| to.write_all(b"half").and(Err(io::Error::other("broken"))));
        assert!(fed.is_err() && open_end.is_some());
        let mut half = [0; 4];
        reader.read_exact(&mut half).unwrap();
        assert_eq!(&half, b"half");

        let (_reader, writer) = io::pipe().unwrap();
        assert!(super::pipe(writer, &AtomicBool::new(true), |to| to.write_all(b"x")).0.is_err());
    }

    #[test]
    fn a_sealed_witness_cannot_be_changed() {
        let file = super::memory_file().unwrap();
        let mut theirs = super::reopen(&file).unwrap();
        let mut ours = file.try_clone().unwrap();
        super::memory(file, |to| to.write_all(b"the witness")).unwrap();
        assert!(ours.write_all(b"x").is_err() && ours.set_len(0).is_err());
        let mut read = String::new();
        theirs.read_to_string(&mut read).unwrap();
        assert_eq!(read, "the witness");
    }
}
