//! docs/advisories.md is the table, rendered. With `UPDATE_DOCS=1` in the environment it is written; otherwise it is
//! compared.

use std::{fmt::Write, fs, path::Path};

use super::{Advisories, Affected, Standing};

const HEAD: &str = "\
# Advisories

What is known to be wrong with hardware that attests, and what of it evidence shows. The tables are `trust-roots/advisories.toml`,
rendered by a test; do not edit this page.

## What a verdict says

For each SEV-SNP report, every bulletin of AMD that concerns its CPU stands in one of three lists:

| claim | the report shows |
|---|---|
| `snp.bulletins.mitigated` | that the bulletin is dealt with |
| `snp.bulletins.open` | that it is not; these stand in `advisories` too, beside what Intel names for its own |
| `snp.bulletins.not_attestable` | neither: the claim that would show it is absent, or nothing in a report shows it |

- **Patch levels count within their group of CPUs**, by family, model and stepping. A CPU in no group has every bulletin of its
  product line in `not_attestable`. A report of version 2 does not name its CPU: all groups of its line are asked, and where they
  disagree, nothing is said.
- **All four TCB versions must reach a level**: reported, current, committed, launch. A guest that was launched before an update
  stays exposed.
- **`snp.root_seed_exposed`** is true for product lines whose chips' key seeds are known to be readable. A report of such a chip
  shows nothing that whoever read the seed could not have signed; a policy needs a list of chips (`snp.chip_id`).
- **Judged as of the instant of the appraisal.** Rows are never changed: a corrected one ends, and its successor begins no earlier
  than the release that brings it, so that an old verdict comes out the same when it is made again. Before the table begins, nothing
  is said: the claims are absent, which satisfies no rule.
- Policies use the presets with patch levels ([policies](policy.md#presets)), whose values are frozen under their name, or rules on
  these claims, which follow the table of the verifier's release: `snp.bulletins.mitigated` `contains-all` the numbers that matter.
- Intel signs its own judgement: `tcb.status` and `advisories` come from its TCB info, and no row here is needed.

Certainty: *source*: in the vendor's own code · *second-hand*: a public text that quotes the vendor, not compared with the
vendor's bulletin · *reported*: from the paper or report named.
";

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn code(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What shows it, and what is said where nothing does.
fn shown(affected: &Affected) -> String {
    match (affected.words(), affected.otherwise()) {
        ("", otherwise) => format!("nothing: `{}`", otherwise.as_str()),
        (words, Standing::NotAttestable) => format!("{words}; else `not_attestable`"),
        (words, _) => words.to_owned(),
    }
}

fn render(table: &Advisories) -> String {
    let mut page = String::from(HEAD);
    write!(
        page,
        "\nAs of {}, judging from {} on.\n\n## CPUs\n\n| product line | root seeds exposed | source |\n|---|---|---|\n",
        table.as_of(),
        table.begins()
    )
    .unwrap();
    for row in table.products() {
        let exposed = if row.root_seed_exposed { "**yes**" } else { "not known to be" };
        writeln!(page, "| {} | {exposed} | {} |", row.name, cell(&row.source)).unwrap();
    }
    page.push_str("\n| group | product line | family | model | stepping |\n|---|---|---|---|---|\n");
    for row in table.groups() {
        let [family, model, stepping] = row.cpuid;
        writeln!(
            page,
            "| `{}` | {} | {family} ({family:#x}) | {model} ({model:#x}) | {stepping} |",
            row.name, row.product
        )
        .unwrap();
    }
    page.push_str("\n## Bulletins\n\n`*` stands for reported, current, committed and launch.\n");
    for row in table.bulletins() {
        write!(page, "\n### {}{}\n\n", row.id, row.names.iter().map(|name| format!(" · {name}")).collect::<String>())
            .unwrap();
        let mut facts: Vec<_> = row.also.iter().chain(&row.cves).cloned().collect();
        facts.extend(row.published.as_ref().map(|month| format!("published {month}")));
        facts.push(row.certainty.as_str().to_owned());
        write!(page, "{}. Source: {}.\n\n", facts.join(" · "), row.source).unwrap();
        page.push_str("| CPUs | shown by |\n|---|---|\n");
        for affected in &row.affects {
            let names = affected.groups().iter().map(|place| table.groups()[*place].name.clone()).collect::<Vec<_>>();
            writeln!(page, "| {} | {} |", code(&names), shown(affected)).unwrap();
        }
    }
    page.push_str("\n## Attacks that no patch level answers\n\n| attack | platforms | evidence shows | answer | certainty |\n|---|---|---|---|---|\n");
    for row in table.attacks() {
        let (names, platforms) = (row.names.join(", "), code(&row.platforms));
        let source = format!("{}: {}", row.certainty.as_str(), row.source);
        writeln!(page, "| {names} | {platforms} | {} | {} | {} |", cell(&row.shows), cell(&row.answer), cell(&source))
            .unwrap();
    }
    page.push_str("\n## Releases that change or break attestation\n\n| date | whose | platforms | effect | what to do | certainty |\n|---|---|---|---|---|---|\n");
    let mut notices: Vec<_> = table.notices().iter().collect();
    notices.sort_by_key(|row| &row.date);
    for row in notices {
        let source = format!("{}: {}", row.certainty.as_str(), row.source);
        let cells =
            [&row.date, &row.from, &code(&row.platforms), &row.effect, &row.answer, &source].map(|text| cell(text));
        writeln!(page, "| {} |", cells.join(" | ")).unwrap();
    }
    page
}

#[test]
fn the_page_is_the_table() {
    let rendered = render(Advisories::pinned());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/advisories.md");
    #[expect(clippy::disallowed_methods, reason = "how a developer asks for the file to be written")]
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &rendered).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == rendered, "docs/advisories.md is not the table; run the tests once with UPDATE_DOCS=1");
}
