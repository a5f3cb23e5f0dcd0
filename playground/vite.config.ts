import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { entries } from "../scripts/entries.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const exactly = (name: string) => new RegExp(`^${name.replace(/[#/]/g, "\\$&")}$`);

/** Threads share memory only on pages that are isolated by these two. The page works without them as well. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Lists all files of the build, for visitors who keep them (src/offline.ts). */
function listFiles(): Plugin {
  let folder = "";
  return {
    name: "list-files",
    apply: "build",
    configResolved: ({ root, build }) => {
      folder = path.resolve(root, build.outDir);
    },
    closeBundle() {
      const files = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
      writeFileSync(path.join(folder, "files.json"), JSON.stringify(["./", ...files]));
    },
  };
}

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
  plugins: [listFiles()],
  worker: { format: "es" },
  server: { headers, fs: { allow: [root] } },
  preview: { headers },
  build: { target: "es2022", outDir: "dist", emptyOutDir: true, modulePreload: { polyfill: false } },
});
