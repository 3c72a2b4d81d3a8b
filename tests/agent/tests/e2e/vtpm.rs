//! The collector of Azure's vTPM on a real TPM 2.0 (swtpm), with a stand-in for the metadata service: what it makes is
//! checked by the TPM's own tools. That the verifier accepts such evidence is the acceptance tests' part.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use prooftrail_devices::tpm::Tpm;
use prooftrail_protocol::KindValue;
use prooftrail_prover_agent::{
    collect::{AzureVtpm, Collector, Imds},
    transport::Address,
};
use prooftrail_result::Kind;
use serde_json::Value;

/// A software TPM in a folder of its own, killed when dropped.
pub(crate) struct SoftwareTpm {
    folder: PathBuf,
    process: Child,
}

impl SoftwareTpm {
    /// `None` where the machine has none.
    pub(crate) fn start(name: &str) -> Option<Self> {
        let folder = env::temp_dir().join(format!("prooftrail-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("state")).unwrap();
        let process = Command::new("swtpm")
            .args(["socket", "--tpm2", "--tpmstate", "dir=state", "--flags", "not-need-init,startup-clear"])
            .args(["--server", "type=unixio,path=tpm", "--ctrl", "type=unixio,path=tpm.ctrl"])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let tpm = Self { folder, process };
        while !tpm.folder.join("tpm").exists() {
            thread::sleep(Duration::from_millis(5));
        }
        Some(tpm)
    }

    /// Runs one of the TPM's tools in the folder.
    fn tool(&self, name: &str, arguments: &[&str]) {
        let ran = Command::new(name)
            .args(arguments)
            .env("TPM2TOOLS_TCTI", "swtpm:path=tpm")
            .current_dir(&self.folder)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// Makes it a vTPM as a paravisor leaves it.
    fn furnish(&self, report: &[u8]) {
        self.make_key();
        self.write_report(report);
    }

    /// Makes the attestation key, and gives its modulus.
    pub(crate) fn make_key(&self) -> Vec<u8> {
        let attributes = "restricted|fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign";
        let key = ["-Q", "-C", "o", "-G", "rsa2048:rsassa-sha256:null", "-a", attributes, "-c", "ak.ctx"];
        self.tool("tpm2_createprimary", &key);
        self.tool("tpm2_evictcontrol", &["-Q", "-C", "o", "-c", "ak.ctx", "0x81000003"]);
        self.tool("tpm2_readpublic", &["-Q", "-c", "0x81000003", "-f", "pem", "-o", "ak.pem"]);
        self.tool("tpm2_readpublic", &["-Q", "-c", "0x81000003", "-f", "der", "-o", "ak.der"]);
        self.tool("tpm2_flushcontext", &["-t"]);
        // The one integer of 257 bytes in the SubjectPublicKeyInfo, but for the byte of its sign.
        let spki = fs::read(self.folder.join("ak.der")).unwrap();
        let at = spki.windows(5).position(|window| window == [0x02, 0x82, 0x01, 0x01, 0x00]).unwrap() + 5;
        spki[at..at + 256].to_vec()
    }

    /// Leaves the paravisor's report where guests read it. Software TPMs have room for 2,048 bytes.
    pub(crate) fn write_report(&self, report: &[u8]) {
        fs::write(self.folder.join("report"), report).unwrap();
        let size = report.len().to_string();
        let index = ["-Q", "-C", "o", "-s", &size, "-a", "ownerread|ownerwrite|authread", "0x01400001"];
        self.tool("tpm2_nvdefine", &index);
        self.tool("tpm2_nvwrite", &["-Q", "-C", "o", "-i", "report", "0x01400001"]);
        self.tool("tpm2_flushcontext", &["-t"]);
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("tpm")
    }

    fn connect(&self) -> Tpm<UnixStream> {
        Tpm::new(UnixStream::connect(self.socket()).unwrap())
    }
}

impl Drop for SoftwareTpm {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A paravisor's report around a hardware report of `kind` that says nothing.
fn paravisor_report(kind: u8) -> Vec<u8> {
    let mut report = vec![0; 2048];
    report[..8].copy_from_slice(b"HCLA\x01\0\0\0");
    report[32..1216].fill(0x5a);
    report[1224] = kind;
    report
}

/// The first line of a request, with whether it had the header of the metadata service; and its body.
pub(crate) type Asked = (String, Vec<u8>);

/// Answers `answers` requests, in order, with a body each.
pub(crate) fn metadata_service(answers: &'static [(u16, &'static str)]) -> (Imds, thread::JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let service = thread::spawn(move || {
        let mut asked = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut lines = Vec::new();
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                let line = line.trim().to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.parse().unwrap();
                }
                lines.push(line);
            }
            let mut sent = vec![0; length];
            reader.read_exact(&mut sent).unwrap();
            write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
            let metadata = lines.iter().any(|line| line == "metadata: true");
            asked.push((format!("{} {metadata}", lines[0]), sent));
        }
        asked
    });
    (Imds::at(Address::Tcp { host: "127.0.0.1".into(), port }), service)
}

fn check_quote(tpm: &SoftwareTpm, evidence: &Value, qualifying_data: &[u8]) {
    let bytes = |name: &str| hex::decode(evidence["tpm_quote"][name].as_str().unwrap()).unwrap();
    let signature = bytes("signature");
    fs::write(tpm.folder.join("message"), bytes("message")).unwrap();
    let length = u16::try_from(signature.len()).unwrap().to_be_bytes();
    fs::write(tpm.folder.join("signature"), [[0, 0x14, 0, 0x0b].as_slice(), &length, &signature].concat()).unwrap();
    let nonce = hex::encode(qualifying_data);
    tpm.tool("tpm2_checkquote", &["-u", "ak.pem", "-m", "message", "-s", "signature", "-g", "sha256", "-q", &nonce]);
}

#[test]
fn a_real_tpm_quotes_what_the_agent_says() {
    let Some(tpm) = SoftwareTpm::start("vtpm") else { return println!("skipped: no swtpm on this machine") };
    let (nothing, _) = metadata_service(&[]);
    assert!(AzureVtpm::detect(tpm.connect(), nothing).unwrap().is_none(), "a TPM of no paravisor");
    let report = paravisor_report(2);
    tpm.furnish(&report);

    let pem = r#"{"vcekCert":"-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n","tcbm":"0"}"#;
    let answers: &'static [_] = Box::leak(Box::new([(200, &*Box::leak(Box::<str>::from(pem))), (500, "")]));
    let (imds, service) = metadata_service(answers);
    let value = [0xc3; 48];
    let collect = |imds: Imds| {
        let vtpm = AzureVtpm::detect(tpm.connect(), imds).unwrap().unwrap();
        assert_eq!(vtpm.kind(), Kind::AzureSnpVtpm);
        assert!(vtpm.collect(&KindValue::ReportData([0; 64])).is_err(), "another kind's value");
        serde_json::from_slice::<Value>(&vtpm.collect(&KindValue::QualifyingData(value)).unwrap()).unwrap()
    };
    let evidence = collect(imds.clone());
    assert_eq!((&evidence["version"], &evidence["vcek"]), (&2.into(), &"AQID".into()));
    assert!(evidence.get("td_quote").is_none());
    check_quote(&tpm, &evidence, &value);
    let pcrs = evidence["tpm_quote"]["pcrs"].as_array().unwrap();
    assert_eq!(pcrs.len(), 24);
    assert_eq!(pcrs[17], "f".repeat(64), "a PCR of dynamic launch, before one");

    // A PCR that was extended is quoted as it is then; a metadata service without a certificate costs the certificate only.
    let digest = "ab".repeat(32);
    tpm.tool("tpm2_pcrextend", &[&format!("7:sha256={digest}")]);
    let later = collect(imds);
    assert!(later.get("vcek").is_none());
    assert_ne!(later["tpm_quote"]["pcrs"][7], pcrs[7]);
    assert_eq!(later["tpm_quote"]["pcrs"][8], pcrs[8]);
    check_quote(&tpm, &later, &value);
    for (line, _) in service.join().unwrap() {
        assert_eq!(line, "get /metadata/thim/amd/certification http/1.1 true");
    }
}

#[test]
fn a_trust_domains_report_becomes_a_quote_by_the_hosts_service() {
    let Some(tpm) = SoftwareTpm::start("vtpm-td") else { return println!("skipped: no swtpm on this machine") };
    let report = paravisor_report(4);
    tpm.furnish(&report);
    let (imds, service) = metadata_service(&[(200, r#"{"quote":"cXVvdGU"}"#), (200, r#"{"quote":"+"}"#), (429, "")]);
    let vtpm = AzureVtpm::detect(tpm.connect(), imds).unwrap().unwrap();
    assert_eq!(vtpm.kind(), Kind::AzureTdxVtpm);
    let value = KindValue::QualifyingData([1; 48]);
    let evidence: Value = serde_json::from_slice(&vtpm.collect(&value).unwrap()).unwrap();
    assert_eq!(evidence["td_quote"], "cXVvdGU=");
    check_quote(&tpm, &evidence, &[1; 48]);
    // Without a quote there is no evidence.
    assert!(vtpm.collect(&value).unwrap_err().to_string().contains("TD quote"));
    assert!(vtpm.collect(&value).unwrap_err().to_string().contains("status 429"));
    let asked = service.join().unwrap();
    assert_eq!(asked[0].0, "post /acc/tdquote http/1.1 false");
    let sent: Value = serde_json::from_slice(&asked[0].1).unwrap();
    assert_eq!(sent["report"].as_str().unwrap().len(), 1366, "1,024 bytes, base64url");
}

#[test]
fn a_paravisors_report_of_an_unknown_type_is_an_error() {
    let Some(tpm) = SoftwareTpm::start("vtpm-unknown") else { return println!("skipped: no swtpm on this machine") };
    tpm.furnish(&paravisor_report(9));
    let (imds, _) = metadata_service(&[]);
    assert!(AzureVtpm::detect(tpm.connect(), imds).err().unwrap().contains("unknown type"));
}
