/**
 * The public entries of the package, read from package.json, as pairs of name and source file. Tests, examples, documentation and the
 * unused-code check all resolve `longshort/…` through this one list, so a new entry is added in package.json and tsconfig.json only.
 */
import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

const source = (built) => built.replace(/^\.\/dist\//, "src/").replace(/\.js$/, ".ts");

/** @type {{ name: string, source: string }[]} for example { name: "longshort/formats", source: "src/formats/index.ts" } */
export const entries = Object.entries(manifest.exports)
  .filter(([, target]) => typeof target === "object")
  .map(([subpath, target]) => ({ name: `longshort${subpath.slice(1)}`, source: source(target.default) }));

/** @type {{ name: string, source: string }[]} the names that begin with "#", as Node resolves them. */
export const internals = Object.entries(manifest.imports).map(([name, target]) => ({
  name,
  source: source(target.default),
}));
