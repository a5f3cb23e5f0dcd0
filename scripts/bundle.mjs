/**
 * The package's entries in fewer files, made of what the compiler wrote to dist/.
 *
 * For Node all entries in pieces (`dist/node`): hundreds of small modules take five times as long to load, and every import of a file
 * costs some hundred microseconds. What the main entry needs is one piece, the machine another, the rest as it is shared; so a class is
 * the same one whichever entry it comes from. The command line is a program of its own. Bundlers take the small modules and keep what is used.
 *
 * For a page without a bundler: a browser cannot resolve `#platform`, and a policy of `script-src 'self'` forbids the import map that
 * could, so the package carries in one piece each, with the browser's half of the platform: its main entry, and that with the formats.
 * Two pieces that a page loads together would hold the shared part twice, and neither would know the other's errors.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { rolldown } from "rolldown";
import { orExit, root } from "./bootstrap.mjs";
import { entries } from "./entries.mjs";

/** `src/formats/index.ts` as the piece `formats`, made of `dist/formats/index.js`. */
const forNode = entries.map(({ source }) => {
  const path = source.replace(/^src\//, "").replace(/\.ts$/, "");
  return [path.replace(/\/index$/, ""), `dist/${path}.js`];
});

const forPages = {
  "longshort.browser.js": ["./index.js"],
  "longshort-formats.browser.js": ["./index.js", "./formats/index.js"],
};

/** A module of ours and all that it imports, not what it loads later. */
function needsOf(file, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  const imports = readFileSync(file, "utf8").matchAll(/^(?:import|export)\b(?:[^"';]*\bfrom)?\s*"([.#][^"]*)"/gm);
  for (const [, name] of imports)
    needsOf(name === "#platform" ? join(root, "dist/platform/node.js") : resolve(dirname(file), name), found);
  return found;
}

/**
 * Bundles for Node into `dist/node`. `groups`: names of pieces, and the module that such a piece holds all needs of. An entry stays in its
 * own file: others may not wait for one that waits for them.
 */
async function inPieces(input, groups, prefix = "") {
  const bundle = await rolldown({
    input,
    platform: "node",
    preserveEntrySignatures: "strict",
    external: (id) => !/^[.#]/.test(id) && !isAbsolute(id),
    resolve: { conditionNames: ["import", "default"] },
    logLevel: "warn",
  });
  const own = Object.values(input).map((entry) => join(root, entry));
  const needs = Object.entries(groups).map(([name, module]) => [name, needsOf(join(root, module))]);
  const { output } = await bundle.write({
    dir: "dist/node",
    format: "esm",
    // Half of it to read and to parse. Names of functions and classes stay, so that stack traces say what stands in the sources.
    minify: { compress: true, mangle: { keepNames: true, toplevel: true }, codegen: { removeWhitespace: true } },
    entryFileNames: "[name].js",
    chunkFileNames: `${prefix}[name]-[hash].js`,
    codeSplitting: {
      groups: needs.map(([name, files], k) => ({
        name,
        priority: needs.length - k,
        test: (id) => files.has(id) && !own.includes(id),
      })),
    },
  });
  for (const { fileName } of output) onlyAscii(join("dist/node", fileName));
}

/**
 * One letter outside of Latin-1 makes an engine hold and read the whole file at two bytes a letter. Strings, templates and regular
 * expressions, where such letters stand, take escapes that mean the same, but for two forms.
 */
function onlyAscii(file) {
  const code = readFileSync(file, "utf8");
  if (/String\.raw`[^`]*[^\0-\x7f`]|\\[^\0-\x7f]/.test(code))
    throw new Error(`${file}: a letter cannot be written as an escape here`);
  const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  writeFileSync(file, code.replace(/[^\0-\x7f]/g, escaped));
}

const forPage = (name, parts) =>
  buildSync({
    // With an empty `tsconfigRaw`: esbuild would follow the paths of tsconfig.json back to the sources and to Node's half of the platform.
    ...{ bundle: true, format: "esm", target: "es2022", tsconfigRaw: {}, logLevel: "error", minify: true },
    stdin: {
      contents: parts.map((entry) => `export * from "${entry}";`).join("\n"),
      resolveDir: "dist",
      sourcefile: "entries.js",
    },
    outfile: `dist/${name}`,
    platform: "browser",
    conditions: ["browser", "import", "default"],
  });

const machine = "dist/compute/wasm/machine.js";
try {
  await inPieces(Object.fromEntries(forNode), { core: "dist/index.js", machine });
  const cli = "dist/cli/main.js";
  await inPieces({ cli }, { start: cli, core: "dist/index.js", machine, commands: "dist/cli/program.js" }, "cli-");
} catch (error) {
  orExit(() => {
    throw error;
  });
}
orExit(() => {
  for (const [name, parts] of Object.entries(forPages)) forPage(name, parts);
});
