/**
 * The package's entries in fewer files, made of what the compiler wrote to dist/.
 *
 * For Node all entries in pieces (`dist/node`): hundreds of small modules take five times as long to load. The entries are bundled together
 * and share their pieces, so that a class is the same one whichever entry it comes from; the command line is a program of its own. Bundlers take
 * the small modules and keep what is used.
 *
 * For a page without a bundler: a browser cannot resolve `#platform`, and a policy of `script-src 'self'` forbids the import map that
 * could, so the package carries in one piece each, with the browser's half of the platform: its main entry, and that with the formats.
 * Two pieces that a page loads together would hold the shared part twice, and neither would know the other's errors.
 */
import { buildSync } from "esbuild";
import { orExit } from "./bootstrap.mjs";
import { entries } from "./entries.mjs";

/** With an empty `tsconfigRaw`: esbuild would follow the paths of tsconfig.json back to the sources and, for a page, to Node's half. */
const common = { bundle: true, format: "esm", target: "es2022", tsconfigRaw: {}, logLevel: "error" };

/** `src/formats/index.ts` as the piece `formats`, made of `dist/formats/index.js`. */
const forNode = entries.map(({ source }) => {
  const path = source.replace(/^src\//, "").replace(/\.ts$/, "");
  return [path.replace(/\/index$/, ""), `dist/${path}.js`];
});

const inPieces = {
  ...common,
  ...{ outdir: "dist/node", splitting: true, platform: "node", packages: "external" },
  // A third less to read and to parse. Names stay, so that stack traces say what stands in the sources.
  ...{ minifyWhitespace: true, minifySyntax: true },
};

const forPages = {
  "longshort.browser.js": ["./index.js"],
  "longshort-formats.browser.js": ["./index.js", "./formats/index.js"],
};

orExit(() => {
  buildSync({ ...inPieces, entryPoints: Object.fromEntries(forNode), chunkNames: "[name]-[hash]" });
  // Apart from the entries: what it shared with them would cut them into more pieces.
  buildSync({ ...inPieces, entryPoints: { cli: "dist/cli/main.js" }, chunkNames: "cli-[name]-[hash]" });
  for (const [name, parts] of Object.entries(forPages)) {
    const contents = parts.map((entry) => `export * from "${entry}";`).join("\n");
    buildSync({
      ...common,
      stdin: { contents, resolveDir: "dist", sourcefile: "entries.js" },
      outfile: `dist/${name}`,
      minify: true,
      platform: "browser",
      conditions: ["browser", "import", "default"],
    });
  }
});
