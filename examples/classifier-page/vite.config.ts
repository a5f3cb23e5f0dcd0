import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { entries } from "../../scripts/entries.mjs";

// Only because this page lies inside the package that it uses: a page of your own needs `npm install longshort` and no configuration.
const source = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const exactly = (name: string) => new RegExp(`^${name.replace("/", "\\/")}$`);

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  build: { target: "es2022", assetsInlineLimit: 0 },
  resolve: {
    alias: [
      ...entries.map(({ name, source: path }) => ({ find: exactly(name), replacement: source(path) })),
      { find: exactly("#platform"), replacement: source("src/platform/browser.ts") },
    ],
  },
});
