/**
 * Files for a page without a bundler. A browser cannot resolve `#platform`, and a policy of `script-src 'self'` forbids the import map that
 * could, so the package carries in one piece each, with the browser's half of the platform: its main entry, and that with the formats.
 * Two pieces that a page loads together would hold the shared part twice, and neither would know the other's errors.
 */
import { buildSync } from "esbuild";
import { orExit } from "./bootstrap.mjs";

const pieces = {
  "longshort.browser.js": ["./index.js"],
  "longshort-formats.browser.js": ["./index.js", "./formats/index.js"],
};

orExit(() => {
  for (const [name, entries] of Object.entries(pieces)) {
    const contents = entries.map((entry) => `export * from "${entry}";`).join("\n");
    buildSync({
      stdin: { contents, resolveDir: "dist", sourcefile: "entries.js" },
      outfile: `dist/${name}`,
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
      target: "es2022",
      conditions: ["browser", "import", "default"],
      // Otherwise esbuild follows the paths of tsconfig.json back to the sources and to Node's half.
      tsconfigRaw: {},
      logLevel: "error",
    });
  }
});
