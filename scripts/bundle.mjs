/**
 * The package's entries in fewer files, made of what the compiler wrote to dist/.
 *
 * For Node all entries in pieces (`dist/node`): hundreds of small modules take five times as long to load. The entries are bundled together
 * and share their pieces, so that a class is the same one whichever entry it comes from. Bundlers take the small modules and keep what is used.
 *
 * One file for a page without a bundler. A browser cannot resolve `#platform`, and a policy of `script-src 'self'` forbids the import map
 * that could, so the package carries its main entry in one piece, with the browser's half of the platform.
 */
import { buildSync } from "esbuild";
import { orExit } from "./bootstrap.mjs";
import { entries } from "./entries.mjs";

/** esbuild follows the paths of tsconfig.json back to the sources otherwise. */
const common = { bundle: true, format: "esm", target: "es2022", tsconfigRaw: {}, logLevel: "error" };

/** `src/formats/index.ts` as the piece `formats` of `dist/formats/index.js`. */
const pieces = entries.map(({ source }) => {
  const path = source.replace(/^src\//, "").replace(/\.ts$/, "");
  return [path.replace(/\/index$/, ""), `dist/${path}.js`];
});

orExit(() => {
  buildSync({
    ...common,
    entryPoints: Object.fromEntries(pieces),
    outdir: "dist/node",
    splitting: true,
    // Not minified: stack traces name what stands in the sources.
    sourcemap: false,
    platform: "node",
    packages: "external",
    chunkNames: "[name]-[hash]",
  });
  buildSync({
    ...common,
    entryPoints: ["dist/index.js"],
    outfile: "dist/longshort.browser.js",
    minify: true,
    platform: "browser",
    conditions: ["browser", "import", "default"],
  });
});
