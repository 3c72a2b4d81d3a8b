//! The embedded table is in order, says what its sources say, and judges as documented; other tables are refused, each
//! for its reason.

use prooftrail_result::{
    Timestamp,
    claims::{ClaimId, ClaimName, Claims, Value, snp},
};

use super::{Advisories, AdvisoriesError, Standing};

const TEXT: &str = include_str!("../../advisories.toml");

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What a report would claim: product, CPUID, SNP and microcode levels.
struct Machine {
    product: &'static str,
    cpuid: Option<[u64; 3]>,
    levels: [u64; 2],
}

const GENOA: Machine = Machine { product: "Genoa", cpuid: Some([0x19, 0x11, 1]), levels: [0x1B, 0x56] };
const TURIN: Machine = Machine { product: "Turin", cpuid: Some([0x1A, 0x02, 1]), levels: [0x05, 0x61] };
const MILAN: Machine = Machine { product: "Milan", cpuid: Some([0x19, 0x01, 1]), levels: [0x18, 0xDB] };

const LEVELS: [[ClaimId; 2]; 4] = [
    [snp::TCB_REPORTED_SNP, snp::TCB_REPORTED_MICROCODE],
    [snp::TCB_CURRENT_SNP, snp::TCB_CURRENT_MICROCODE],
    [snp::TCB_COMMITTED_SNP, snp::TCB_COMMITTED_MICROCODE],
    [snp::TCB_LAUNCH_SNP, snp::TCB_LAUNCH_MICROCODE],
];

impl Machine {
    fn claims(&self) -> Claims {
        let mut claims = Claims::default();
        claims.insert(snp::PRODUCT, self.product);
        if let Some([family, model, stepping]) = self.cpuid {
            claims.insert(snp::CPUID_FAMILY, Value::Int(family));
            claims.insert(snp::CPUID_MODEL, Value::Int(model));
            claims.insert(snp::CPUID_STEPPING, Value::Int(stepping));
        }
        for [snp, microcode] in LEVELS {
            claims.insert(snp, Value::Int(self.levels[0]));
            claims.insert(microcode, Value::Int(self.levels[1]));
        }
        claims.insert(snp::POLICY_SMT_ALLOWED, true);
        claims.insert(snp::PLATFORM_SMT_ENABLED, true);
        claims
    }

    fn standing(&self, bulletin: &str) -> Option<Standing> {
        standing(&self.claims(), bulletin)
    }
}

fn standing(claims: &Claims, bulletin: &str) -> Option<Standing> {
    let table = Advisories::pinned();
    let judgement = table.judge(claims, table.as_of()).unwrap();
    judgement.standings.iter().find(|(id, _)| *id == bulletin).map(|(_, standing)| *standing)
}

#[test]
fn the_embedded_table_is_in_order() {
    let table = Advisories::pinned();
    assert_eq!(table, &Advisories::read(TEXT).unwrap());
    assert!(table.groups().len() >= 7 && table.bulletins().len() >= 12);
    assert!(table.attacks().len() >= 5 && table.notices().len() >= 7);
    // What the issue names, by number and by name.
    for (id, name) in [
        ("AMD-SB-3005", "CacheWarp"),
        ("AMD-SB-3015", "BadRAM"),
        ("AMD-SB-3019", "EntrySign"),
        ("AMD-SB-3020", "RMPocalypse"),
        ("AMD-SB-3021", "Heracles"),
        ("AMD-SB-3027", "StackWarp"),
        ("AMD-SB-3030", "BreakFAST"),
        ("AMD-SB-3034", "Fabricked"),
        ("AMD-SB-3045", "MilanLaunchy"),
        ("AMD-SB-7055", "RDSEED on Zen 5"),
    ] {
        let row = table.bulletins().iter().find(|row| row.id == id).unwrap();
        assert!(row.names.iter().any(|known| known == name), "{id}");
    }
    // Every group is of some bulletin, and every product line has a group.
    for (place, group) in table.groups().iter().enumerate() {
        let concerned = |row: &super::Bulletin| row.affects.iter().any(|affected| affected.groups.contains(&place));
        assert!(table.bulletins().iter().any(concerned), "{}", group.name);
    }
    for product in table.products() {
        assert!(table.groups().iter().any(|group| group.product == product.name), "{}", product.name);
    }
    assert!(table.bulletins().is_sorted_by_key(|row| &row.id));
}

/// One level below the bulletin's, at it, and above, for the group and for its neighbour whose levels are others.
#[test]
fn levels_count_within_their_group() {
    use Standing::{Mitigated, Open};
    for (bulletin, product, cpuid, levels, expected) in [
        ("AMD-SB-3019", "Milan", [0x19, 1, 1], [0x18, 0xDB], Mitigated),
        ("AMD-SB-3019", "Milan", [0x19, 1, 1], [0x18, 0xDA], Open),
        ("AMD-SB-3019", "Milan", [0x19, 1, 1], [0x17, 0xFF], Open),
        ("AMD-SB-3019", "Milan", [0x19, 1, 2], [0x18, 0x44], Mitigated),
        ("AMD-SB-3019", "Milan", [0x19, 1, 2], [0x18, 0x43], Open),
        ("AMD-SB-3019", "Genoa", [0x19, 0x11, 1], [0x17, 0x54], Mitigated),
        ("AMD-SB-3019", "Genoa", [0x19, 0x11, 1], [0x17, 0x53], Open),
        ("AMD-SB-3019", "Genoa", [0x19, 0x11, 2], [0x17, 0x4F], Mitigated),
        ("AMD-SB-3019", "Genoa", [0x19, 0x11, 2], [0x16, 0x4F], Open),
        ("AMD-SB-3019", "Genoa", [0x19, 0xA0, 2], [0x17, 0x19], Mitigated),
        ("AMD-SB-3019", "Genoa", [0x19, 0xA0, 2], [0x17, 0x18], Open),
        ("AMD-SB-3020", "Genoa", [0x19, 0x11, 1], [0x1B, 0x56], Mitigated),
        ("AMD-SB-3020", "Genoa", [0x19, 0x11, 1], [0x17, 0x54], Open),
        ("AMD-SB-3020", "Turin", [0x1A, 2, 1], [0x04, 0x50], Mitigated),
        ("AMD-SB-3020", "Turin", [0x1A, 2, 1], [0x03, 0x50], Open),
        ("AMD-SB-3020", "Genoa", [0x19, 0xA0, 2], [0x1A, 0xFF], Open),
        ("AMD-SB-3020", "Genoa", [0x19, 0xA0, 2], [0x1B, 0xFF], Standing::NotAttestable),
        ("AMD-SB-3020", "Turin", [0x1A, 0x11, 0], [0x03, 0xFF], Open),
        ("AMD-SB-3023", "Genoa", [0x19, 0xA0, 2], [0x1A, 0xFF], Open),
        ("AMD-SB-3027", "Genoa", [0x19, 0x11, 2], [0x00, 0x51], Mitigated),
        ("AMD-SB-3027", "Genoa", [0x19, 0x11, 1], [0x1B, 0x55], Open),
        ("AMD-SB-3027", "Turin", [0x1A, 2, 1], [0x04, 0x50], Open),
        ("AMD-SB-7055", "Turin", [0x1A, 2, 1], [0x05, 0x5A], Mitigated),
        ("AMD-SB-7055", "Turin", [0x1A, 2, 1], [0x05, 0x59], Open),
        ("AMD-SB-7055", "Turin", [0x1A, 0x11, 0], [0x05, 0x54], Mitigated),
        ("AMD-SB-7055", "Turin", [0x1A, 0x11, 0], [0x05, 0x53], Open),
    ] {
        let machine = Machine { product, cpuid: Some(cpuid), levels };
        assert_eq!(machine.standing(bulletin), Some(expected), "{bulletin} {product} {cpuid:x?} {levels:x?}");
    }
}

#[test]
fn every_one_of_the_four_tcb_versions_must_reach_the_level() {
    assert_eq!(GENOA.standing("AMD-SB-3020"), Some(Standing::Mitigated));
    for [snp, microcode] in LEVELS {
        for (claim, below) in [(snp, 0x1A), (microcode, 0x55)] {
            let mut claims = GENOA.claims();
            claims.insert(claim, Value::Int(below));
            assert_eq!(standing(&claims, "AMD-SB-3020"), Some(Standing::Open), "{}", ClaimName::from(claim));
        }
    }
}

#[test]
fn bits_and_masks_count_and_what_is_absent_is_not_attestable() {
    // BadRAM needs the alias check besides: absent in reports of version 2.
    assert_eq!(GENOA.standing("AMD-SB-3015"), Some(Standing::NotAttestable));
    let mut claims = GENOA.claims();
    claims.insert(snp::PLATFORM_ALIAS_CHECK_COMPLETE, false);
    assert_eq!(standing(&claims, "AMD-SB-3015"), Some(Standing::Open));
    claims.insert(snp::PLATFORM_ALIAS_CHECK_COMPLETE, true);
    assert_eq!(standing(&claims, "AMD-SB-3015"), Some(Standing::Mitigated));
    // A level that is too low decides, whatever is absent.
    let low = Machine { levels: [0x15, 0x56], ..GENOA };
    assert_eq!(low.standing("AMD-SB-3015"), Some(Standing::Open));

    // A mitigation vector: both halves, and bit 2 rather than any.
    assert_eq!(TURIN.standing("AMD-SB-3016"), Some(Standing::NotAttestable));
    let mut claims = TURIN.claims();
    claims.insert(snp::PLATFORM_IOMMU_WRITE_SAFE, true);
    claims.insert(snp::MITIGATIONS_LAUNCH, Value::Mask(0x3F));
    claims.insert(snp::MITIGATIONS_CURRENT, Value::Mask(0x3B));
    assert_eq!(standing(&claims, "AMD-SB-3016"), Some(Standing::Open));
    claims.insert(snp::MITIGATIONS_CURRENT, Value::Mask(0x3F));
    assert_eq!(standing(&claims, "AMD-SB-3016"), Some(Standing::Mitigated));

    // Forbidding SMT is another way round StackWarp; one half of it is not.
    let low = Machine { levels: [0x1B, 0x54], ..GENOA };
    let mut claims = low.claims();
    claims.insert(snp::POLICY_SMT_ALLOWED, false);
    assert_eq!(standing(&claims, "AMD-SB-3027"), Some(Standing::Open));
    claims.insert(snp::PLATFORM_SMT_ENABLED, false);
    assert_eq!(standing(&claims, "AMD-SB-3027"), Some(Standing::Mitigated));
}

#[test]
fn what_the_table_cannot_tell_is_said_not_to_be_attestable() {
    // AMD withdrew the values; and where the table lacks the level, nothing is said but that.
    for machine in [&GENOA, &TURIN, &MILAN] {
        assert_eq!(machine.standing("AMD-SB-3034"), Some(Standing::NotAttestable));
    }
    assert_eq!(GENOA.standing("AMD-SB-3030"), Some(Standing::NotAttestable));
    assert_eq!(TURIN.standing("AMD-SB-3019"), Some(Standing::NotAttestable));
    let early = Machine { levels: [0x18, 0xD0], ..MILAN };
    assert_eq!(early.standing("AMD-SB-3005"), Some(Standing::NotAttestable), "above some level of AMD's, perhaps");
    assert_eq!(MILAN.standing("AMD-SB-3005"), Some(Standing::Mitigated));

    // A CPU of a known line in no group.
    let other = Machine { cpuid: Some([0x19, 0x18, 0]), ..GENOA };
    assert_eq!(other.standing("AMD-SB-3019"), Some(Standing::NotAttestable));
    assert_eq!(other.standing("AMD-SB-7055"), None, "which does not concern its line");

    // Without CPUID (reports of version 2) every group of the line is asked.
    let unknown = |levels| Machine { cpuid: None, levels, ..MILAN }.standing("AMD-SB-3019");
    assert_eq!(unknown([0x18, 0xDB]), Some(Standing::Mitigated), "enough for every group");
    assert_eq!(unknown([0x18, 0x73]), Some(Standing::NotAttestable), "enough for Milan-X, not for Milan");
    assert_eq!(unknown([0x08, 0x73]), Some(Standing::Open), "too little for every group");
}

#[test]
fn bulletins_that_do_not_concern_a_cpu_are_not_listed() {
    assert_eq!(TURIN.standing("AMD-SB-3045"), None);
    assert_eq!(TURIN.standing("AMD-SB-3023"), None);
    assert_eq!(GENOA.standing("AMD-SB-7055"), None);
    assert_eq!(GENOA.standing("AMD-SB-3005"), None);
}

#[test]
fn milan_is_labelled_and_no_patch_level_takes_that_away() {
    let table = Advisories::pinned();
    let exposed = |machine: &Machine| table.judge(&machine.claims(), table.as_of()).unwrap().root_seed_exposed;
    assert!(exposed(&MILAN) && exposed(&Machine { cpuid: None, ..MILAN }));
    assert!(!exposed(&GENOA) && !exposed(&TURIN));
    let best = Machine { levels: [0xFF, 0xFF], ..MILAN };
    assert_eq!(best.standing("AMD-SB-3045"), Some(Standing::Open));
    assert_eq!(best.standing("AMD-SB-3021"), Some(Standing::Open), "there is no fix");
}

#[test]
fn judgements_are_as_of_an_instant() {
    let table = Advisories::pinned();
    let claims = GENOA.claims();
    assert_eq!(table.judge(&claims, table.begins().just_before()), None, "nothing is said before the table begins");
    assert!(table.judge(&claims, table.begins()).is_some());
    assert_eq!(table.judge(&Claims::default(), table.as_of()), None, "other evidence has no product line");
    let mut venice = claims.clone();
    venice.insert(snp::PRODUCT, "Venice");
    assert_eq!(table.judge(&venice, table.as_of()), None);

    // A correction: one row ends, the next begins, and a verdict of before stays what it was.
    let row = |levels: &str, rest: &str| {
        format!(
            "[[bulletin]]\nid = 'AMD-SB-9999'\nnames = []\ncves = []\ncertainty = 'source'\nsource = 's'\n{rest}\n\
             [[bulletin.affects]]\ngroups = ['genoa']\n\
             shown_by = [[{{ claim = 'snp.tcb.reported.snp', at_least = {levels} }}]]\n"
        )
    };
    let (from, until) = ("from = '2026-11-01T00:00:00Z'", "until = '2026-11-01T00:00:00Z'");
    let table = Advisories::read(&format!("{TEXT}\n{}{}", row("1", until), row("0x20", from))).unwrap();
    let of = |instant| {
        let judgement = table.judge(&claims, at(instant)).unwrap();
        judgement.standings.iter().filter(|(id, _)| *id == "AMD-SB-9999").map(|(_, standing)| *standing).collect()
    };
    let (before, after): (Vec<_>, Vec<_>) = (of("2026-10-31T23:59:59Z"), of("2026-11-01T00:00:00Z"));
    assert_eq!((before, after), (vec![Standing::Mitigated], vec![Standing::Open]));
    let both = Advisories::read(&format!("{TEXT}\n{}{}", row("1", ""), row("0x20", from)));
    assert!(matches!(both, Err(AdvisoriesError::Row { row, field: "until", .. }) if row == "AMD-SB-9999"));
}

#[test]
fn a_table_that_is_not_in_order_is_refused_for_its_own_reason() {
    for (from, to, name) in [
        ("as_of = \"2026-11-22T00:00:00Z\"", "as_of = \"2026-11-22\"", "as_of"),
        ("begins = \"2026-10-01", "begins = \"2027-10-01", "begins"),
        ("product = \"Milan\"\nfamily", "product = \"Rome\"\nfamily", "product"),
        ("name = \"genoa-x\"", "name = \"genoa\"", "name"),
        ("name = \"Genoa\"", "name = \"Milan\"", "name"),
        ("model = 0x11\nstepping = 2", "model = 0x11\nstepping = 1", "cpuid"),
        ("id = \"AMD-SB-3019\"", "id = \"AMD-SB-19\"", "id"),
        ("id = \"AMD-SB-3020\"", "id = \"AMD-SB-3019\"", "until"),
        ("also = [\"AMD-SB-7033\"]", "also = [\"7033\"]", "id"),
        ("CVE-2024-21944", "CVE-24-21944", "cves"),
        ("published = \"2023-11\"", "published = \"2023\"", "published"),
        ("certainty = \"source\"", "certainty = \"certain\"", "certainty"),
        ("groups = [\"turin\"]", "groups = [\"Turin\"]", "groups"),
        ("groups = [\"turin\"]", "groups = []", "groups"),
        ("groups = [\"milan-x\"]", "groups = [\"milan\"]", "groups"),
        ("otherwise = \"not_attestable\"", "otherwise = \"mitigated\"", "otherwise"),
        ("shown_by = [[{ claim = \"snp.tcb", "shown_by = [[], [{ claim = \"snp.tcb", "shown_by"),
        ("launch}.snp\"", "launch}.spl\"", "shown_by"),
        ("{launch,current}\", has_bits = 0x4", "{launch,current}\", at_least = 0x4", "shown_by"),
        ("{launch,current}\", has_bits = 0x4", "{launch,current}\", has_bits = 0", "shown_by"),
        ("at_least = 0xDE }", "at_least = 0 }", "shown_by"),
        ("at_least = 0xDE }", "at_least = 0xDE, equals = true }", "shown_by"),
        ("platform_iommu_write_safe\", equals = true", "platform_iommu_write_safe\"", "shown_by"),
        ("platforms = [\"sgx\", \"tdx\"]", "platforms = [\"sgx\", \"TDX\"]", "platforms"),
        ("platforms = [\"sgx\", \"tdx\"]", "platforms = []", "platforms"),
        ("names = [\"TEE.fail\"]", "names = []", "names"),
        ("effect = \"AMD withdrew", "effect = \"\" # ", "effect"),
        ("date = \"2026-04-28\"", "date = \"April 2026\"", "date"),
        ("id = \"linux-debug-swap\"", "id = \"ec2-snp-save-area\"", "id"),
        ("source = \"Linux, zen5", "from = \"2027-01-01T00:00:00Z\"\nsource = \"Linux, zen5", "from"),
        ("source = \"Linux, zen5", "from = \"2026-01-01T00:00:00Z\"\nsource = \"Linux, zen5", "from"),
        ("source = \"Linux, zen5", "until = \"2026-10-01T00:00:00Z\"\nsource = \"Linux, zen5", "until"),
    ] {
        let text = TEXT.replacen(from, to, 1);
        assert_ne!(text, TEXT, "{from}");
        match Advisories::read(&text) {
            Err(AdvisoriesError::Row { field, .. }) => assert_eq!(field, name, "{from} → {to}"),
            other => panic!("{from} → {to}: {:?}", other.err()),
        }
    }
    for (from, to) in
        [("has_bits = 0x4", "has_bit = 0x4"), ("root_seed_exposed = true", "root_seed_exposed = 1"), ("as_of = \"", "")]
    {
        let text = TEXT.replacen(from, to, 1);
        assert!(matches!(Advisories::read(&text), Err(AdvisoriesError::Syntax(_))), "{from}");
    }
    assert_eq!(Advisories::read(&" ".repeat(300_000)), Err(AdvisoriesError::TooLarge(300_000)));
}
