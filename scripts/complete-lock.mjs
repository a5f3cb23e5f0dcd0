/**
 * Completes package-lock.json after a dependency has changed: `node scripts/complete-lock.mjs`.
 *
 * A package with native parts names one optional package for each platform, with its exact version. npm leaves those out of the lock file that
 * the registry in use does not serve; `npm ci` then refuses the file, and on those platforms nothing would be installed. This adds them, with the
 * platform read from the name and without a checksum, which npm adds when it sees the package.
 */
import { readFileSync, writeFileSync } from "node:fs";

const systems = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const processors = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "x64"];

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));

/** Where `name` is found from the package at `from`: beside it, or in a node_modules further out. */
function isLocked(name, from) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    if (lock.packages[`${folder ? `${folder}/` : ""}node_modules/${name}`]) return true;
    if (folder === "") return false;
  }
}

const added = {};
for (const [from, parent] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const words = name.split(/[/-]/);
    const os = systems.filter((system) => words.includes(system));
    const cpu = processors.filter((processor) => words.includes(processor));
    if (isLocked(name, from) || os.length === 0 || cpu.length === 0) continue;
    const libc = os[0] !== "linux" ? [] : words.some((word) => /^musl/.test(word)) ? ["musl"] : ["glibc"];
    added[`node_modules/${name}`] = {
      version,
      cpu,
      ...(parent.dev && { dev: true }),
      ...(libc.length > 0 && { libc }),
      optional: true,
      os,
    };
  }
}

const [[own, self], ...others] = Object.entries({ ...lock.packages, ...added });
others.sort(([a], [b]) => (a < b ? -1 : 1));
lock.packages = Object.fromEntries([[own, self], ...others]);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${Object.keys(added).length} packages for other platforms added.`);
