//! What evidence needs, of genuine evidence and of the simulator's; and what is kept of a vendor's answers: the good one,
//! and one lie per rule, each refused for its own reason.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_evidence::{
    Admitted, AwsLc, EndorsementFile, Endorsements, Publisher, RevocationMode, Wanted, admit, authenticate,
    device_statuses, wanted,
};
use prooftrail_result::{Kind, ReasonCode as Code, Timestamp};
use prooftrail_simulator::{
    azure::Machine,
    intel::Vendor,
    key::Key,
    nvidia::{self, Chip, Device, List},
    snp::{Entry, Line, Platform, Report, certificate_table},
};
use prooftrail_trust_roots::RootSet;

/// 2026-06-01T12:00:00Z.
const AT: i64 = 1_780_315_200;
const DAY: i64 = 24 * 3600;

fn at(offset_seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(AT + offset_seconds).unwrap()
}

fn names(kind: Kind, evidence: &[u8], beside: &[&[u8]]) -> Vec<String> {
    let endorsements = Endorsements::read(&AwsLc, beside.iter().copied()).unwrap();
    let wanted = wanted(kind, evidence, &endorsements, None, &AwsLc).unwrap();
    wanted.iter().map(ToString::to_string).collect()
}

#[test]
fn genuine_evidence_says_what_it_needs() {
    let quote = include_bytes!("../../../tests/vectors/tdx/quotes/tdx-v4-phala-b0c06f.bin");
    let expected =
        ["intel-tdx-tcb-info-b0c06f000000", "intel-tdx-qe-identity", "intel-pck-platform-crl", "intel-root-crl"];
    assert_eq!(names(Kind::IntelTdx, quote, &[]), expected);
    let quote = include_bytes!("../../../tests/vectors/tdx/quotes/sgx-v3-processorca-00a067.bin");
    let expected =
        ["intel-sgx-tcb-info-00a067110000", "intel-sgx-qe-identity", "intel-pck-processor-crl", "intel-root-crl"];
    assert_eq!(names(Kind::IntelSgx, quote, &[]), expected);

    // A report of version 2 names no CPU; its certificate, or whoever asks, does.
    let report = include_bytes!("../../../tests/vectors/snp/milan/sev_v2_report.bin");
    let vcek = include_bytes!("../../../tests/vectors/snp/milan/sev_v2_vcek.der");
    assert_eq!(names(Kind::AmdSevSnp, report, &[]), [""; 0]);
    let known = names(Kind::AmdSevSnp, report, &[vcek]);
    assert_eq!(known[1..], ["amd-milan-vcek-chain", "amd-milan-vcek-crl"]);
    let told =
        wanted(Kind::AmdSevSnp, report, &Endorsements::default(), Some(prooftrail_evidence::AmdProduct::Milan), &AwsLc);
    assert_eq!(told.unwrap().iter().map(ToString::to_string).collect::<Vec<_>>(), known);
    // The certificate that was named is the one that there is, and it can be found by what is in it.
    let name: Wanted = known[0].parse().unwrap();
    let held = |at: &str| Endorsements::read(&AwsLc, [vcek.as_slice()]).unwrap().hold(&name, at.parse().unwrap());
    assert!(held("2024-01-01T00:00:00Z") && !held("2034-01-01T00:00:00Z"));
    assert_eq!(names(Kind::AwsNitro, b"whatever", &[]), [""; 0]);
}

#[test]
fn evidence_of_azure_needs_what_its_hardware_needs() {
    let snp = Machine::snp("wanted", AT);
    let alone = names(Kind::AmdSevSnp, &snp.hardware_evidence(), &[]);
    // It brings the certificate of its chip.
    assert_eq!(names(Kind::AzureSnpVtpm, &snp.evidence(), &[]), alone[1..]);
    assert_eq!(alone.len(), 3);
    let tdx = Machine::tdx("wanted", AT);
    let alone = names(Kind::IntelTdx, &tdx.hardware_evidence(), &[]);
    assert_eq!((alone.len(), names(Kind::AzureTdxVtpm, &tdx.evidence(), &[])), (4, alone));
    let malformed = wanted(Kind::AzureSnpVtpm, b"whatever", &Endorsements::default(), None, &AwsLc);
    assert_eq!(malformed.unwrap_err().code, Code::AzureEnvelope);
}

#[test]
fn devices_need_their_reference_values_and_a_word_on_their_certificates() {
    let chain = include_bytes!("../../../tests/vectors/nvgpu/gpu/h100_550.90.07.chain.pem");
    let report = include_bytes!("../../../tests/vectors/nvgpu/gpu/h100_550.90.07.bin");
    let rims = |names: Vec<String>| -> Vec<String> {
        names.into_iter().filter_map(|name| name.strip_prefix("nvidia-rim-").map(str::to_owned)).collect()
    };
    let (driver, vbios) = ("NV_GPU_DRIVER_GH100_550.90.07", "NV_GPU_VBIOS_1010_0200_882_96009F0001");
    assert_eq!(names(Kind::NvidiaGpu, report, &[]), [format!("nvidia-rim-{vbios}")], "certificates name the chip");
    let all = names(Kind::NvidiaGpu, report, &[chain]);
    assert_eq!(all.len(), 5, "two RIMs, and the device, its provisioner and its family");
    assert_eq!(rims(all.clone()), [driver, vbios]);
    let endorsements = Endorsements::read(&AwsLc, [chain.as_slice()]).unwrap();
    let statuses = device_statuses(Kind::NvidiaGpu, report, &endorsements, &AwsLc);
    let issuers: Vec<_> = statuses.iter().map(|(status, issuers)| (status.to_string(), issuers.len())).collect();
    assert_eq!(issuers.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [2, 1, 0], "the CAs below the root");
    assert!(issuers.iter().all(|(status, _)| all.contains(status)));

    let device = |chip| Device::new("wanted", chip, 1);
    let listed = |chip, change: fn(&mut nvidia::Report)| {
        let device = device(chip);
        let mut report = device.report([7; 32]);
        change(&mut report);
        let kind = if chip == Chip::Switch { Kind::NvidiaSwitch } else { Kind::NvidiaGpu };
        rims(names(kind, &List::of([(&device, &report)]).build(), &[]))
    };
    let vbios = "NV_GPU_VBIOS_1010_0205_862_970088000F";
    assert_eq!(listed(Chip::Blackwell, |_| {}), ["NV_GPU_CC_DRIVER_GB100_580.159.03", vbios]);
    let family = |report: &mut nvidia::Report| report.opaque.set(35, b"GB20X\0");
    assert_eq!(listed(Chip::Blackwell, family), ["NV_GPU_CC_DRIVER_GB20X_580.159.03", vbios]);
    assert_eq!(listed(Chip::Switch, |_| {}), ["NV_SWITCH_BIOS_5612_0002_890_9610550001"]);
    let strange = |report: &mut nvidia::Report| report.opaque.set(nvidia::entry::DRIVER_VERSION, b"../../etc\0");
    assert_eq!(listed(Chip::Blackwell, strange), [vbios], "no id of NVIDIA's");
    assert_eq!(device_statuses(Kind::AwsNitro, b"whatever", &endorsements, &AwsLc), []);
    assert_eq!(device_statuses(Kind::NvidiaGpu, b"[", &endorsements, &AwsLc), []);
    let malformed = wanted(Kind::NvidiaGpu, b"whatever", &Endorsements::default(), None, &AwsLc);
    assert_eq!(malformed.unwrap_err().code, Code::NvidiaReportMalformed);
}

#[test]
fn every_form_of_report_says_what_it_needs() {
    for (line, name) in [(Line::Milan, "milan"), (Line::Genoa, "genoa"), (Line::Turin, "turin")] {
        let platform = Platform::new("wanted", line);
        let (report, chip) = (platform.report(), hex::encode(&platform.chip_id));
        let vcek = platform.vcek(&report, AT);
        let found = names(Kind::AmdSevSnp, &report.build(&vcek.key), &[]);
        let levels = report.reported_tcb;
        let rest = format!("{}.{}.{}.{}", levels.bootloader, levels.tee, levels.snp, levels.microcode);
        let levels = if line == Line::Turin { format!("{}.{rest}", levels.fmc) } else { rest };
        let chain = [format!("amd-{name}-vcek-chain"), format!("amd-{name}-vcek-crl")];
        assert_eq!(found, [&[format!("amd-{name}-vcek-{chip}-{levels}")], chain.as_slice()].concat());
        // A hidden chip cannot be asked for, and a report without a signature needs nothing.
        let hidden = Report { chip_id: Vec::new(), ..report.clone() };
        assert_eq!(names(Kind::AmdSevSnp, &hidden.build(&vcek.key), &[]), chain);
        let unsigned = Report { key_info: 7 << 2, ..report };
        assert_eq!(names(Kind::AmdSevSnp, &unsigned.build(&vcek.key), &[]), [""; 0]);
    }
    // A VLEK's certificate is not published.
    let platform = Platform::new("wanted", Line::Milan);
    let report = platform.vlek_report();
    let vlek = platform.vlek(&report, "CN=cloud.example", AT);
    let bytes = report.build(&vlek.key);
    assert_eq!(names(Kind::AmdSevSnp, &bytes, &[]), ["amd-milan-vlek-chain", "amd-milan-vlek-crl"]);
    // The host's table behind the report names the line, and what is in it need not be fetched.
    let report = Report { version: 2, cpuid: [0; 3], ..platform.report() };
    let vcek = platform.vcek(&report, AT);
    let [vcek_der, ask_der] = platform.vcek_chain(&vcek);
    let with = |table: &[(Entry, &[u8])]| {
        names(Kind::AmdSevSnp, &[report.build(&vcek.key), certificate_table(table)].concat(), &[])
    };
    assert_eq!(with(&[(Entry::Vcek, &vcek_der)]), ["amd-milan-vcek-chain", "amd-milan-vcek-crl"]);
    assert_eq!(with(&[(Entry::Vcek, &vcek_der), (Entry::Ask, &ask_der)]), ["amd-milan-vcek-crl"]);
    // So it does beside a certificate of another line's, which is another chip's.
    let genoa = Platform::new("another", Line::Genoa);
    let genoa = genoa.vcek_chain(&genoa.vcek(&genoa.report(), AT));
    let tabled = [report.build(&vcek.key), certificate_table(&[(Entry::Vcek, &vcek_der)])].concat();
    assert_eq!(names(Kind::AmdSevSnp, &tabled, &[&genoa[0]]), ["amd-milan-vcek-chain", "amd-milan-vcek-crl"]);
    let another = Platform::new("another", Line::Milan);
    let another = another.vcek_chain(&another.vcek(&report, AT));
    assert_eq!(with(&[(Entry::Vcek, &another[0])]).len(), 3, "another chip's certificate is not what is needed");
}

/// What is admitted of an answer, or the code of the reason why nothing is.
fn answer(
    wanted: &Wanted,
    files: &[&[u8]],
    issuers: &[&[u8]],
    roots: &RootSet,
    at: Timestamp,
) -> Result<Admitted, Code> {
    let [files, issuers] =
        [files, issuers].map(|files| files.iter().map(|file| EndorsementFile::from(*file)).collect::<Vec<_>>());
    let admitted = admit(wanted, &files, &issuers, roots, &AwsLc, at);
    if let Ok(Admitted { until, .. }) = admitted {
        let held = Endorsements::of(&AwsLc, &files).unwrap();
        assert!(held.hold(wanted, at), "{wanted} is kept and not found again");
        // The last instant that is given is the last one.
        assert!(admit(wanted, &files, &issuers, roots, &AwsLc, until).is_ok(), "{wanted} at {until}");
        let after = until.saturating_add_seconds(1);
        assert!(admit(wanted, &files, &issuers, roots, &AwsLc, after).is_err(), "{wanted} at {after}");
    }
    admitted.map_err(|reason| reason.code)
}

#[test]
fn what_amd_answers_is_kept_if_it_is_what_was_asked_for() {
    let platform = Platform::new("wanted", Line::Genoa);
    let roots = RootSet::from_certificate(platform.root_der());
    let report = platform.report();
    let vcek = platform.vcek(&report, AT - DAY);
    let [leaf, ask] = platform.vcek_chain(&vcek);
    let root = platform.root_der();
    let evidence = report.build(&vcek.key);
    let wants = wanted(Kind::AmdSevSnp, &evidence, &Endorsements::default(), None, &AwsLc).unwrap();
    let [leaf_name, chain_name, crl_name] = wants.as_slice() else { panic!("three") };
    assert!(wants.iter().all(|wanted| wanted.publisher() == Publisher::Amd));
    assert_eq!(wants.iter().map(Wanted::is_renewed).collect::<Vec<_>>(), [false, false, true]);

    let chain_files: [&[u8]; 2] = [&ask, &root];
    let chain = |file: &[u8], at| answer(chain_name, &[file, &root], &[], &roots, at);
    let good = chain(&ask, at(0)).unwrap();
    assert_eq!((good.age.0, good.until.unix_seconds()), (0, platform.ask.not_after));
    let asvk = platform.asvk.issued_by(&platform.root);
    assert_eq!(chain(&asvk, at(0)), Err(Code::EndorsementUnrecognised));
    let mut forged = platform.root.clone();
    forged.key = Key::rsa4096("somebody else");
    assert_ne!(forged.key.subject_public_key_info(), platform.root.key.subject_public_key_info());
    assert_eq!(chain(&platform.ask.issued_by(&forged), at(0)), Err(Code::ChainSignature));
    assert_eq!(chain(&ask, at(-10_000 * DAY)), Err(Code::TimeNotYetValid));
    let nobody = RootSet::default();
    assert_eq!(answer(chain_name, &chain_files, &[], &nobody, at(0)), Err(Code::ChainRootNotPinned));

    let key = |file: &[u8], at| answer(leaf_name, &[file], &chain_files, &roots, at);
    assert_eq!(key(&leaf, at(0)).unwrap().until.unix_seconds(), vcek.not_after);
    let mut other_chip = platform.clone();
    other_chip.chip_id = vec![7; 64];
    let lie = other_chip.vcek(&report, AT).issued_by(&platform.ask);
    assert_eq!(key(&lie, at(0)), Err(Code::SnpChipIdMismatch));
    let mut older = report.clone();
    older.reported_tcb.snp -= 1;
    assert_eq!(key(&platform.vcek(&older, AT).issued_by(&platform.ask), at(0)), Err(Code::SnpTcbMismatch));
    let forged = prooftrail_simulator::x509::CertificateSpec { key: Key::rsa4096("nobody"), ..platform.ask.clone() };
    assert_ne!(forged.key.subject_public_key_info(), platform.ask.key.subject_public_key_info());
    assert_eq!(key(&vcek.issued_by(&forged), at(0)), Err(Code::ChainSignature));
    assert_eq!(key(&ask, at(0)), Err(Code::SnpCertificateKind));
    assert_eq!(key(b"<html>", at(0)), Err(Code::EndorsementUnrecognised));
    assert_eq!(key(&leaf, at(-2 * DAY)), Err(Code::TimeNotYetValid));
    assert_eq!(answer(leaf_name, &[&leaf], &[], &roots, at(0)), Err(Code::SnpCertificateMissing));

    let list = |file: &[u8], at| answer(crl_name, &[file], &[], &roots, at);
    let crl = platform.crl(AT - DAY, &[]);
    let good = list(&crl.build(), at(0)).unwrap();
    assert_eq!((good.age, good.until.unix_seconds()), ((0, at(-DAY)), AT + 44 * DAY - 1));
    assert_eq!(list(&crl.build(), at(44 * DAY)), Err(Code::TimeCrlExpired));
    assert_eq!(list(&crl.build(), at(-2 * DAY)), Err(Code::TimeCrlNotYetValid));
    let mut forged = crl.clone();
    forged.key = Key::rsa4096("nobody");
    assert_eq!(list(&forged.build(), at(0)), Err(Code::RevocationSignature));
    let mut altered = crl.build();
    *altered.last_mut().unwrap() ^= 1;
    assert_eq!(list(&altered, at(0)), Err(Code::RevocationSignature));
    assert_eq!(list(&Platform::new("other", Line::Genoa).crl(AT, &[]).build(), at(0)), Err(Code::RevocationIssuer));
    let milan = Platform::new("wanted", Line::Milan);
    let mut both = roots.clone();
    both.extend(RootSet::from_certificate(milan.root_der()));
    let lie = answer(crl_name, &[&milan.crl(AT, &[]).build()], &[], &both, at(0));
    assert_eq!(lie, Err(Code::RevocationIssuer), "another line's list");

    // All of it together is what the evidence needs.
    let endorsements = Endorsements::read(&AwsLc, [leaf.as_slice(), &ask, &crl.build()]).unwrap();
    let mut context = surroundings(&roots, &endorsements);
    context.revocation.amd = RevocationMode::Required;
    authenticate(Kind::AmdSevSnp, &evidence, &context).unwrap();
}

fn surroundings<'a>(roots: &'a RootSet, endorsements: &'a Endorsements) -> prooftrail_evidence::Context<'a> {
    prooftrail_evidence::Context {
        crypto: &AwsLc,
        roots,
        endorsements,
        issuers: &prooftrail_evidence::NoIssuers,
        revocation: prooftrail_evidence::Revocation::default(),
        at: at(0),
        expected: prooftrail_evidence::Expected::default(),
    }
}

#[test]
fn what_intel_answers_is_kept_if_it_is_what_was_asked_for() {
    let vendor = Vendor::new("wanted", AT);
    let roots = RootSet::from_certificate(vendor.root_der());
    let evidence = vendor.td_quote().build();
    let wants = wanted(Kind::IntelTdx, &evidence, &Endorsements::default(), None, &AwsLc).unwrap();
    let [tcb_info, qe_identity, pck_crl, root_crl] = wants.as_slice() else { panic!("four") };
    assert!(wants.iter().all(|wanted| wanted.publisher() == Publisher::Intel && wanted.is_renewed()));

    let collateral = vendor.tdx_collateral();
    let [info, identity, chain] = collateral.responses();
    let ask = |wanted: &Wanted, file: &[u8], at| answer(wanted, &[file, &chain], &[], &roots, at);
    let good = ask(tcb_info, &info, at(0)).unwrap();
    assert_eq!((good.age, good.until), ((21, at(-10 * DAY)), at(20 * DAY).just_before()));
    let good = ask(qe_identity, &identity, at(0)).unwrap();
    assert_eq!((good.age, good.until), ((21, at(-9 * DAY)), at(21 * DAY).just_before()));
    assert_eq!(ask(tcb_info, &info, at(20 * DAY)), Err(Code::TimeCollateralExpired));
    assert_eq!(ask(tcb_info, &info, at(-11 * DAY)), Err(Code::TimeCollateralNotYetValid));
    assert_eq!(ask(tcb_info, &identity, at(0)), Err(Code::EndorsementUnrecognised));
    assert_eq!(ask(qe_identity, b"{}", at(0)), Err(Code::EndorsementUnrecognised));
    assert_eq!(ask(qe_identity, b"{\"enclaveIdentity\":{}", at(0)), Err(Code::CollateralMalformed));
    let [info_of_sgx, identity_of_sgx, _] = vendor.sgx_collateral().responses();
    assert_eq!(ask(tcb_info, &info_of_sgx, at(0)), Err(Code::BindingPlatform));
    assert_eq!(ask(qe_identity, &identity_of_sgx, at(0)), Err(Code::BindingQeIdentity));
    let mut other = vendor.tdx_collateral();
    other.tcb_info.fmspc[0] ^= 1;
    assert_eq!(ask(tcb_info, &other.responses()[0], at(0)), Err(Code::BindingPlatform));
    let mut forged = vendor.tdx_collateral();
    forged.tcb_info_signing.key = Some(Key::p256("nobody"));
    assert_eq!(ask(tcb_info, &forged.responses()[0], at(0)), Err(Code::CollateralSignature));
    let [.., chain_of_another] = Vendor::new("another", AT).tdx_collateral().responses();
    let lie = answer(tcb_info, &[&info, &chain_of_another], &[], &roots, at(0));
    assert!(lie.is_err(), "a signer that our root did not issue: {lie:?}");
    assert_eq!(answer(tcb_info, &[&info], &[], &roots, at(0)), Err(Code::CollateralMissing));

    let [ca, root] = [vendor.platform_ca.issued_by(&vendor.root), vendor.root_der()];
    let list = |file: &[u8], issuers: &[&[u8]], at| answer(pck_crl, &[file], issuers, &roots, at);
    let crl = vendor.crl_of_platform_ca(&[]).build();
    let good = list(&crl, &[&ca, &root], at(0)).unwrap();
    assert_eq!((good.age, good.until), ((0, at(-8 * DAY)), at(22 * DAY).just_before()));
    assert_eq!(list(&crl, &[], at(0)), Err(Code::RevocationIssuer));
    assert_eq!(list(&vendor.crl_of_root(&[]).build(), &[&ca], at(0)), Err(Code::RevocationIssuer));
    let mut forged = vendor.crl_of_platform_ca(&[]);
    forged.key = Key::p256("nobody");
    assert_eq!(list(&forged.build(), &[&ca], at(0)), Err(Code::RevocationSignature));
    let mut impostor = vendor.platform_ca.clone();
    impostor.key = Key::p256("nobody");
    let issued_by_nobody = {
        let mut root = vendor.root.clone();
        root.key = Key::p256("nobody's root");
        impostor.issued_by(&root)
    };
    assert_eq!(list(&forged.build(), &[&issued_by_nobody], at(0)), Err(Code::ChainSignature));
    let good = answer(root_crl, &[&vendor.crl_of_root(&[]).build()], &[], &roots, at(0)).unwrap();
    assert_eq!(good.until, at(279 * DAY).just_before());
    let mut forged = vendor.crl_of_root(&[]);
    forged.key = Key::p256("nobody");
    assert_eq!(answer(root_crl, &[&forged.build()], &[], &roots, at(0)), Err(Code::RevocationSignature));
    let error = answer(root_crl, &[&crl], &[], &roots, at(0)).expect_err("another's list");
    assert_eq!(error, Code::RevocationIssuer);
}

#[test]
fn what_one_vendor_publishes_is_told_from_the_rest() {
    let read = |file: &[u8]| Endorsements::read(&AwsLc, [file]).unwrap();
    let (milan, genoa) = (Platform::new("wanted", Line::Milan), Platform::new("wanted", Line::Genoa));
    let vendor = Vendor::new("wanted", AT);
    let [info, _, chain] = vendor.tdx_collateral().responses();
    let name = |name: &str| -> Wanted { name.parse().unwrap() };
    let tcb_info = name("intel-tdx-tcb-info-90c06f000000");
    for (file, serves, not) in [
        (milan.crl(AT, &[]).build(), name("amd-milan-vcek-crl"), name("amd-genoa-vcek-crl")),
        (genoa.ask.issued_by(&genoa.root), name("amd-genoa-vcek-chain"), name("amd-genoa-vlek-chain")),
        (vendor.crl_of_root(&[]).build(), name("intel-root-crl"), name("intel-pck-platform-crl")),
        (info, tcb_info.clone(), name("intel-sgx-tcb-info-90c06f000000")),
        (chain, tcb_info, name("amd-milan-vcek-chain")),
    ] {
        let read = read(&file);
        assert!(read.are_published() && read.serve(&serves) && !read.serve(&not), "{serves}");
        assert!(!read.hold(&serves, at(9000 * DAY)), "{serves} has ended then");
    }
    let vlek = milan.vlek(&milan.vlek_report(), "CN=cloud.example", AT);
    let [vlek, _] = milan.vlek_chain(&vlek);
    assert!(!read(&vlek).are_published(), "it comes with evidence, or from the cloud");
    let nitro = prooftrail_simulator::nitro::Hypervisor::new("wanted");
    assert!(!read(&nitro.crl_of_root(AT, &[]).build()).are_published());
}
