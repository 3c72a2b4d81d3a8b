// usage: node compare.mjs PROOFTRAIL WASM_MODULE FOLDER…
// Each FOLDER has a CASES.tsv; docs/acceptance-cases.md describes its columns.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [binary, modulePath, ...folders] = process.argv.slice(2);
const { appraise } = createRequire(import.meta.url)(resolve(modulePath));

const help = spawnSync(binary, ["appraise", "--help"], { encoding: "utf8" }).stdout;
const kinds = help.replace(/\s+/g, " ").match(/possible values: ([a-z0-9, -]+)/)[1].split(", ");

const list = (cell) => cell.split(";").filter(Boolean);
let same = 0, different = 0, skipped = 0;
for (const folder of folders) {
  const [head, ...rows] = readFileSync(join(folder, "CASES.tsv"), "utf8").trimEnd().split("\n").map((line) => line.split("\t"));
  for (const cells of rows) {
    const row = Object.fromEntries(head.map((name, column) => [name, cells[column] ?? ""]));
    const pieces = list(row.evidence).map((piece) => {
      const [kind, file] = row.kind === "set" ? piece.split("=") : [row.kind, piece];
      return { kind, file: join(folder, file) };
    });
    if (pieces.some(({ kind }) => !kinds.includes(kind))) { skipped += 1; continue; }
    const base64 = (file) => readFileSync(file).toString("base64");
    const [endorsements, roots] = [list(row.endorsements), list(row.roots)].map((files) => files.map((file) => join(folder, file)));
    for (const allowDebug of row.verdict === "debug" ? [false, true] : [false]) {
      const native = spawnSync(binary, [
        "appraise", ...pieces.map(({ kind, file }) => `${kind}=${file}`), "--at", row.at, "--json",
        ...endorsements.flatMap((file) => ["--endorsement", file]), ...roots.flatMap((file) => ["--root", file]),
        ...(row.nonce ? ["--nonce", row.nonce] : []), ...(allowDebug ? ["--allow-debug"] : []),
      ], { encoding: "utf8" });
      const wasm = appraise(JSON.stringify({
        evidence: pieces.map(({ kind, file }) => ({ kind, base64: base64(file) })),
        endorsements: endorsements.map(base64), roots: roots.map(base64), at: row.at,
        ...(row.nonce ? { nonce: row.nonce } : {}), allow_debug: allowDebug,
      }));
      if (native.stdout === `${wasm}\n`) { same += 1; continue; }
      different += 1;
      console.error(`${row.id}: native and WebAssembly differ\n  native ${native.stdout || native.stderr}  wasm   ${wasm}`);
    }
  }
}
console.log(`native and WebAssembly: ${same} alike, ${different} different, ${skipped} of kinds of other builds`);
process.exit(different === 0 && same > 0 ? 0 : 1);
