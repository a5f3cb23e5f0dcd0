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
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { buildSync, transformSync } from "esbuild";
import { rolldown } from "rolldown";
import { orExit, root } from "./bootstrap.mjs";
import { entries } from "./entries.mjs";

/** `src/formats/index.ts` as the piece `formats`, made of `dist/formats/index.js`. */
const others = entries.flatMap(({ source }) => {
  const path = source.replace(/^src\//, "").replace(/\.ts$/, "");
  return path === "index" ? [] : [[path.replace(/\/index$/, ""), `dist/${path}.js`]];
});

const forPages = {
  "longshort.browser.js": ["./index.js"],
  "longshort-formats.browser.js": ["./index.js", "./formats/index.js"],
};

const inDist = (name) => join(root, "dist", name);

/** These modules of ours and all that they import, not what they load later; nothing through those in `without`. */
function needsOf(files, without = [], found = new Set()) {
  for (const file of files) {
    if (found.has(file) || without.includes(file)) continue;
    found.add(file);
    const imports = readFileSync(file, "utf8").matchAll(/^(?:import|export)\b(?:[^"';]*\bfrom)?\s*"([.#][^"]*)"/gm);
    const names = [...imports].map(([, name]) => name);
    needsOf(
      names.map((name) => (name === "#platform" ? inDist("platform/node.js") : resolve(dirname(file), name))),
      without,
      found,
    );
  }
  return found;
}

/** What a first layer is made of, with the cells and the layers that most programs begin with. */
const FIRST = [
  ...[
    "compute/open.js",
    "tensor/graph.js",
    "tensor/executable.js",
    "tensor/operations.js",
    "tensor/parameter.js",
    "tensor/parameter-store.js",
  ],
  ...["cells/rnn.js", "cells/lstm.js", "cells/gru.js"],
  ...["layers/recurrent.js", "layers/linear.js", "layers/embedding.js", "layers/dropout.js"],
].map(inDist);
/** Kernels that a layer alone does not launch: what prints them is loaded with the first plan that does. */
const KERNELS = ["matmul.js", "pointwise.js", "reduce.js", "rows.js"].map((name) => inDist(`compute/wasm/${name}`));
/** Who imports them. */
const LAUNCHES = inDist("compute/wasm/launches.js");
/** Folders of what only training needs. */
const TRAINING = /^(train|optimizers|losses)\//;

/** Every value that the main entry exports, with the module it comes from. */
async function mainExports() {
  const entry = inDist("index.js");
  const values = await import(pathToFileURL(entry));
  const found = [...readFileSync(entry, "utf8").matchAll(/^export \{([^}]*)\} from "\.\/([^"]*)";/gm)].flatMap(
    ([, names, module]) =>
      [...names.matchAll(/\w+/g)].flatMap(([name]) => (name in values ? [{ name, module, value: values[name] }] : [])),
  );
  const missed = Object.keys(values).filter((name) => !found.some((one) => one.name === name));
  if (missed.length > 0) throw new Error(`dist/index.js: the build does not see where these come from: ${missed}`);
  return found;
}

const exported = ({ name, module }) => `export { ${name} } from "./${module}";`;

/** A value that is no function is written out where it stands in: nothing of it may be lost. */
function asText(name, value) {
  const text = JSON.stringify(value);
  if (!isDeepStrictEqual(JSON.parse(text), value))
    throw new Error(
      `the export ${name} is loaded late and is more than JSON can hold: export a function that gives it`,
    );
  return text;
}

/** Exports that stand for those of a file (`src/platform/node/late-exports.ts`). */
function standIns(piece, exports) {
  const late = (kind, name) => `export const ${name} = ${piece}.${kind}("${name}");`;
  const lines = exports.map(({ name, value }) => {
    // Lists of names and numbers need no code to be loaded.
    if (typeof value !== "function") return `export const ${name} = ${asText(name, value)};`;
    return late(/^class\b/.test(Function.prototype.toString.call(value)) ? "classOf" : "functionOf", name);
  });
  return [
    `import { lateExports as ${piece}Exports } from "./platform/node/late-exports.js";`,
    `const ${piece} = ${piece}Exports("./${piece}.js", import.meta.url);`,
    ...lines,
  ];
}

/**
 * The main entry for Node: what a first layer needs is imported, everything else stands for a file that is loaded when a part of it is
 * first used. Likewise the kernels, for whoever launches plans.
 *
 * @returns texts of modules by name, and the modules that belong in each piece
 */
async function mainInPieces() {
  const all = await mainExports();
  const core = needsOf(FIRST);
  const isFirst = ({ module }) => core.has(inDist(module));
  const late = all.filter((one) => !isFirst(one));
  const kernels = await Promise.all(
    KERNELS.map(async (file) => {
      const values = await import(pathToFileURL(file));
      return Object.entries(values).map(([name, value]) => ({
        name,
        module: relative(inDist("."), file).split(sep).join("/"),
        value,
      }));
    }),
  );
  const pieces = {
    kernels: kernels.flat(),
    running: late.filter(({ module }) => !TRAINING.test(module)),
    training: late.filter(({ module }) => TRAINING.test(module)),
  };
  const texts = {
    index: [
      ...all.filter(isFirst).map(exported),
      ...standIns("running", pieces.running),
      ...standIns("training", pieces.training),
    ],
    launched: standIns("kernels", pieces.kernels),
    ...Object.fromEntries(Object.entries(pieces).map(([name, exports]) => [name, exports.map(exported)])),
  };
  const modulesOf = (exports) => exports.map(({ module }) => inDist(module));
  return {
    texts: Object.fromEntries(Object.entries(texts).map(([name, lines]) => [name, lines.join("\n")])),
    entries: ["index", ...Object.keys(pieces)],
    groups: {
      core: [...FIRST, inDist("platform/node/late-exports.js")],
      machine: [inDist("compute/wasm/machine.js")],
      ...Object.fromEntries(Object.entries(pieces).map(([name, exports]) => [name, modulesOf(exports)])),
    },
  };
}

/**
 * Bundles for Node into `dist/node`. `groups`: names of pieces, and the modules that such a piece holds all needs of. An entry stays in its
 * own file: others may not wait for one that waits for them. `texts`: modules that are in no file, by name; "launched" is what is imported
 * for the kernels.
 */
async function inPieces({ input, groups, texts = {}, prefix = "" }) {
  const isLate = (id, importer) =>
    texts.launched && importer === LAUNCHES && KERNELS.includes(resolve(dirname(importer), id));
  const bundle = await rolldown({
    input,
    platform: "node",
    preserveEntrySignatures: "strict",
    external: (id) => !/^[.#]/.test(id) && !isAbsolute(id),
    resolve: { conditionNames: ["import", "default"] },
    logLevel: "warn",
    plugins: [
      {
        name: "texts",
        resolveId(id, importer) {
          if (isLate(id, importer)) return inDist("text:launched");
          return id.startsWith("./text:") ? inDist(id.slice(2)) : undefined;
        },
        load: (id) => texts[id.split("text:")[1]],
      },
    ],
  });
  const own = Object.values(input).map((entry) => join(root, entry));
  const without = texts.launched ? KERNELS : [];
  const needs = Object.entries(groups).map(([name, modules]) => [
    name,
    needsOf(modules, name === "machine" ? without : []),
  ]);
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
        test: (id) => (files.has(id) || (name === "machine" && id.endsWith("text:launched"))) && !own.includes(id),
      })),
    },
  });
  for (const { fileName } of output) {
    const file = join("dist/node", fileName);
    onlyAscii(file);
    // Node prints the line that an error was thrown in where nobody catches it.
    const { code } = transformSync(readFileSync(file, "utf8"), { minifyWhitespace: true, lineLimit: LINE });
    // TypeScript, which reads it for the scripts that import it, takes a line that begins with `name instanceof` for a new statement.
    writeFileSync(file, code.replaceAll(/\.\n(?=[\w$]+ instanceof\b)/g, "."));
  }
}

/** Letters in a line, about: what stands in one token is not broken. */
const LINE = 120;

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
    ...{ bundle: true, format: "esm", target: "es2022", tsconfigRaw: {}, logLevel: "error" },
    ...{ minify: true, lineLimit: LINE },
    stdin: {
      contents: parts.map((entry) => `export * from "${entry}";`).join("\n"),
      resolveDir: "dist",
      sourcefile: "entries.js",
    },
    outfile: `dist/${name}`,
    platform: "browser",
    conditions: ["browser", "import", "default"],
  });

try {
  const { texts, entries: names, groups } = await mainInPieces();
  const pieces = names.map((name) => [name, `./text:${name}`]);
  await inPieces({ input: Object.fromEntries([...pieces, ...others]), groups, texts });
  const [cli, program, machine] = ["cli/main.js", "cli/program.js", "compute/wasm/machine.js"].map(inDist);
  await inPieces({
    input: { cli: "dist/cli/main.js" },
    groups: { start: [cli], core: [inDist("index.js")], machine: [machine], commands: [program] },
    prefix: "cli-",
  });
  for (const [name, parts] of Object.entries(forPages)) forPage(name, parts);
} catch (error) {
  orExit(() => {
    throw error;
  });
}
