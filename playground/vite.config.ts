import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { entries } from "../scripts/entries.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const exactly = (name: string) => new RegExp(`^${name.replace(/[#/]/g, "\\$&")}$`);

/** Threads share memory only on pages that are isolated by these two. The page works without them as well. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  // Any folder of any host may serve the build.
  base: "./",
  // The library's sources, with the browser's half of the platform.
  resolve: {
    alias: [
      ...entries.map(({ name, source }: { name: string; source: string }) => ({
        find: exactly(name),
        replacement: root + source,
      })),
      { find: exactly("#platform"), replacement: `${root}src/platform/browser.ts` },
    ],
  },
  worker: { format: "es" },
  server: { headers, fs: { allow: [root] } },
  preview: { headers },
  build: { target: "es2022", outDir: "dist", emptyOutDir: true, modulePreload: { polyfill: false } },
});
