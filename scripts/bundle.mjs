/**
 * One file for a page without a bundler. A browser cannot resolve `#platform`, and a policy of `script-src 'self'` forbids the import map
 * that could, so the package carries its main entry in one piece, with the browser's half of the platform.
 */
import { buildSync } from "esbuild";
import { orExit } from "./bootstrap.mjs";

orExit(() =>
  buildSync({
    entryPoints: ["dist/index.js"],
    outfile: "dist/longshort.browser.js",
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: ["browser", "import", "default"],
    // Otherwise esbuild follows the paths of tsconfig.json back to the sources and to Node's half.
    tsconfigRaw: {},
    logLevel: "error",
  }),
);
