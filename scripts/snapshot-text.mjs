/**
 * Writes examples/text/longshort-vN.txt: this project's own guides, formulas and source as one text to train on.
 *
 *   node scripts/snapshot-text.mjs 2     writes version 2
 *
 * A version is never written again once it was published: figures in the README and the tests were measured on it. A new one is made on
 * purpose, together with those figures.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "./bootstrap.mjs";

const version = process.argv[2];
const replace = process.argv.includes("--replace");
if (!/^[1-9]\d*$/.test(version ?? "")) {
  console.error("usage: node scripts/snapshot-text.mjs VERSION [--replace]");
  process.exit(2);
}
const target = path.join(root, "examples", "text", `longshort-v${version}.txt`);
if (existsSync(target) && !replace) {
  console.error(
    `${path.relative(root, target)} exists already and is frozen; take the next version, or --replace before it is published.`,
  );
  process.exit(1);
}

/** What is committed, not what lies around: the guides, and the source but for machines and foreign formats, which would be half of it. */
const tracked = execFileSync("git", ["ls-files", "-z", "--", "*.md", "src"], { cwd: root, encoding: "utf8" }).split(
  "\0",
);
const chosen = tracked.filter((file) =>
  /^(README|CONTRIBUTING)\.md$|^docs\/.*\.md$|^src\/(?!compute\/|formats\/).*\.ts$/.test(file),
);

// By the hash of the path: guides and code are mixed the same way at the end, which is kept for validation, as before it.
const hash = (file) => createHash("sha256").update(file).digest("hex");
chosen.sort((a, b) => (hash(a) < hash(b) ? -1 : 1));

const text = chosen
  .map((file) => {
    const content = readFileSync(path.join(root, file), "utf8").replaceAll("\r\n", "\n").trim();
    return `==== ${file}\n\n${content}\n\n`;
  })
  .join("");
writeFileSync(target, text);

const digest = createHash("sha256").update(text).digest("hex");
console.log(
  `${path.relative(root, target)}: ${chosen.length} files, ${Buffer.byteLength(text)} bytes, SHA-256 ${digest}`,
);
