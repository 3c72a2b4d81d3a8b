//! Reports of configfs-tsm: one way to SEV-SNP reports and TDX quotes, from Linux 6.7 on.
//!
//! An entry is made, the 64 bytes are written, the report and the host's certificates are read, the entry is removed. The
//! attribute `generation` counts writes; when it is not what our own writes make it, someone else wrote between, and the
//! report is asked for again. Documentation/ABI/testing/configfs-tsm-report of Linux.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process,
};

use prooftrail_protocol::KindValue;
use prooftrail_result::Kind;

use super::{CollectError, Collector, device_error};

/// Where configfs is mounted, and the driver puts its folder.
pub const FOLDER: &str = "/sys/kernel/config/tsm/report";

/// Kernels cap a report at 32 KiB or 16 MiB; no report that we know of comes near this.
const MAX_ATTRIBUTE: usize = 1 << 20;

/// So often is a report asked for when others write to the same entry.
const TRIES: usize = 8;

/// The operations on entries, which are folders that make their own files.
pub trait Entries: Send + Sync {
    /// Makes an entry.
    ///
    /// # Errors
    /// The kernel's.
    fn create(&self, entry: &str) -> io::Result<()>;
    /// Removes an entry.
    ///
    /// # Errors
    /// The kernel's.
    fn remove(&self, entry: &str) -> io::Result<()>;
    /// Writes an attribute, all at once.
    ///
    /// # Errors
    /// The kernel's.
    fn write(&self, entry: &str, attribute: &str, bytes: &[u8]) -> io::Result<()>;
    /// Reads an attribute.
    ///
    /// # Errors
    /// The kernel's.
    fn read(&self, entry: &str, attribute: &str) -> io::Result<Vec<u8>>;
}

/// The kernel's folder.
#[derive(Clone, Debug)]
pub struct ConfigFs(PathBuf);

impl ConfigFs {
    /// The folder at a path, usually [`FOLDER`].
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl Entries for ConfigFs {
    fn create(&self, entry: &str) -> io::Result<()> {
        fs::create_dir(self.0.join(entry))
    }

    fn remove(&self, entry: &str) -> io::Result<()> {
        fs::remove_dir(self.0.join(entry))
    }

    fn write(&self, entry: &str, attribute: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(self.0.join(entry).join(attribute))?;
        // A second write would be another generation.
        if file.write(bytes)? == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }

    fn read(&self, entry: &str, attribute: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let most = u64::try_from(MAX_ATTRIBUTE + 1).map_err(io::Error::other)?;
        File::open(self.0.join(entry).join(attribute))?.take(most).read_to_end(&mut bytes)?;
        if bytes.len() > MAX_ATTRIBUTE {
            return Err(io::Error::other(format!("{attribute} is longer than {MAX_ATTRIBUTE} bytes")));
        }
        Ok(bytes)
    }
}

/// A collector of what the folder's provider signs.
pub struct Tsm<E> {
    entries: E,
    kind: Kind,
}

impl<E: Entries> Tsm<E> {
    /// The collector for the provider that the folder names; `None` where it is one of another architecture.
    ///
    /// # Errors
    /// There is no such folder, no right to use it, or no TEE behind it.
    pub fn detect(entries: E) -> io::Result<Option<Self>> {
        let provider = {
            let entry = Entry::new(&entries)?;
            entry.read("provider")?
        };
        let kind = match provider.trim_ascii() {
            b"sev_guest" => Kind::AmdSevSnp,
            b"tdx_guest" => Kind::IntelTdx,
            _ => return Ok(None),
        };
        Ok(Some(Self { entries, kind }))
    }

    fn report(&self, report_data: &[u8; 64]) -> io::Result<Vec<u8>> {
        let entry = Entry::new(&self.entries)?;
        for _ in 0..TRIES {
            let before = entry.generation()?;
            entry.write("inblob", report_data)?;
            let report = match entry.read("outblob") {
                // The kernel noticed before we could.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                report => report?,
            };
            // Certificates of the host: behind a report of SEV-SNP, nothing for TDX. Without them the attribute is empty,
            // or not there.
            let table = match entry.read("auxblob") {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                table => table?,
            };
            if entry.generation()? == before.wrapping_add(1) {
                return Ok([report, table].concat());
            }
        }
        Err(io::Error::other("others keep writing to the entry"))
    }
}

impl<E: Entries> Collector for Tsm<E> {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::ReportData(report_data) = value else { return Err(CollectError::Value(self.kind)) };
        self.report(report_data).map_err(device_error(self.kind))
    }
}

/// An entry of ours, removed when dropped.
struct Entry<'a, E: Entries> {
    entries: &'a E,
    name: String,
}

impl<'a, E: Entries> Entry<'a, E> {
    fn new(entries: &'a E) -> io::Result<Self> {
        let name = format!("prooftrail-{}", process::id());
        match entries.create(&name) {
            // One that an earlier process of this number left behind.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                entries.remove(&name)?;
                entries.create(&name)?;
            }
            created => created?,
        }
        Ok(Self { entries, name })
    }

    fn write(&self, attribute: &str, bytes: &[u8]) -> io::Result<()> {
        self.entries.write(&self.name, attribute, bytes)
    }

    fn read(&self, attribute: &str) -> io::Result<Vec<u8>> {
        self.entries.read(&self.name, attribute)
    }

    fn generation(&self) -> io::Result<u64> {
        let text = self.read("generation")?;
        str::from_utf8(text.trim_ascii())
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| io::Error::other("the generation is no number"))
    }
}

impl<E: Entries> Drop for Entry<'_, E> {
    fn drop(&mut self) {
        // An entry that stays costs a little kernel memory, and is removed by the next run of this process number.
        let _ = self.entries.remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        fs,
        io::{self, ErrorKind},
        sync::Mutex,
    };

    use prooftrail_protocol::KindValue;
    use prooftrail_result::Kind;

    use super::{super::Collector, ConfigFs, Entries, Tsm};

    /// The driver: an entry counts its writes, and reports what was written last. `meddle` writes between ours.
    #[derive(Default)]
    struct Driver {
        provider: &'static str,
        table: Option<&'static [u8]>,
        entries: Mutex<BTreeMap<String, (u64, Vec<u8>)>>,
        meddle: Mutex<usize>,
    }

    impl Driver {
        fn of(provider: &'static str) -> Self {
            Self { provider, ..Self::default() }
        }
    }

    impl Entries for Driver {
        fn create(&self, entry: &str) -> io::Result<()> {
            match self.entries.lock().unwrap().insert(entry.into(), (0, Vec::new())) {
                None => Ok(()),
                Some(_) => Err(ErrorKind::AlreadyExists.into()),
            }
        }

        fn remove(&self, entry: &str) -> io::Result<()> {
            self.entries.lock().unwrap().remove(entry).map(|_| ()).ok_or_else(|| ErrorKind::NotFound.into())
        }

        fn write(&self, entry: &str, attribute: &str, bytes: &[u8]) -> io::Result<()> {
            assert_eq!((attribute, bytes.len()), ("inblob", 64));
            let mut entries = self.entries.lock().unwrap();
            let (generation, inblob) = entries.get_mut(entry).ok_or(ErrorKind::NotFound)?;
            (*generation, *inblob) = (*generation + 1, bytes.to_vec());
            let mut meddle = self.meddle.lock().unwrap();
            if *meddle > 0 {
                *meddle -= 1;
                (*generation, *inblob) = (*generation + 1, vec![0xee; 64]);
            }
            Ok(())
        }

        fn read(&self, entry: &str, attribute: &str) -> io::Result<Vec<u8>> {
            let entries = self.entries.lock().unwrap();
            let (generation, inblob) = entries.get(entry).ok_or(ErrorKind::NotFound)?;
            match attribute {
                "provider" => Ok(format!("{}\n", self.provider).into()),
                "generation" => Ok(format!("{generation}\n").into()),
                "outblob" => Ok([b"report over ", inblob.as_slice()].concat()),
                "auxblob" => self.table.map(<[u8]>::to_vec).ok_or_else(|| ErrorKind::NotFound.into()),
                _ => Err(ErrorKind::NotFound.into()),
            }
        }
    }

    const VALUE: KindValue = KindValue::ReportData([7; 64]);

    #[test]
    fn a_report_is_made_and_its_entry_removed() {
        let tsm = Tsm::detect(Driver { table: Some(b"table"), ..Driver::of("sev_guest") }).unwrap().unwrap();
        assert_eq!(tsm.kind(), Kind::AmdSevSnp);
        assert_eq!(tsm.collect(&VALUE).unwrap(), [b"report over ".as_slice(), &[7; 64], b"table"].concat());
        assert!(tsm.entries.entries.lock().unwrap().is_empty());
        let tsm = Tsm::detect(Driver::of("tdx_guest")).unwrap().unwrap();
        assert_eq!(tsm.kind(), Kind::IntelTdx);
        assert_eq!(tsm.collect(&VALUE).unwrap().len(), 12 + 64);
        assert!(tsm.collect(&KindValue::QualifyingData([0; 48])).is_err());
    }

    #[test]
    fn what_another_wrote_is_not_taken_for_ours() {
        let tsm = Tsm::detect(Driver { meddle: Mutex::new(3), ..Driver::of("sev_guest") }).unwrap().unwrap();
        assert!(tsm.collect(&VALUE).unwrap().ends_with(&[7; 64]));
        *tsm.entries.meddle.lock().unwrap() = usize::MAX;
        assert!(tsm.collect(&VALUE).unwrap_err().to_string().contains("others keep writing"));
        assert!(tsm.entries.entries.lock().unwrap().is_empty());
    }

    #[test]
    fn an_entry_that_a_killed_run_left_is_replaced() {
        let driver = Driver::of("sev_guest");
        driver.create(&format!("prooftrail-{}", std::process::id())).unwrap();
        assert!(Tsm::detect(driver).unwrap().is_some());
    }

    #[test]
    fn another_architecture_is_none() {
        assert!(Tsm::detect(Driver::of("arm_cca_guest")).unwrap().is_none());
    }

    #[test]
    fn a_folder_is_read_and_written_as_the_kernel_wants_it() {
        let folder = std::env::temp_dir().join(format!("prooftrail-tsm-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let entries = ConfigFs::at(&folder);
        entries.create("one").unwrap();
        assert_eq!(entries.create("one").unwrap_err().kind(), ErrorKind::AlreadyExists);
        // The kernel makes the attributes; none is made by writing to it.
        assert_eq!(entries.write("one", "inblob", &[1; 64]).unwrap_err().kind(), ErrorKind::NotFound);
        fs::write(folder.join("one/inblob"), []).unwrap();
        entries.write("one", "inblob", &[1; 64]).unwrap();
        assert_eq!(entries.read("one", "inblob").unwrap(), [1; 64]);
        fs::File::create(folder.join("one/outblob")).unwrap().set_len(1 + (1 << 20)).unwrap();
        assert!(entries.read("one", "outblob").unwrap_err().to_string().contains("longer"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
