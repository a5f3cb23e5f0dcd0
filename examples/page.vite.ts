import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { entries } from "../scripts/entries.mjs";

const source = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const exactly = (name: string) => new RegExp(`^${name.replace("/", "\\/")}$`);

/** Only because these pages lie inside the package that they use: a page of your own needs `npm install longshort` and no configuration but the format of workers. */
export const pageConfig = (folder: string) =>
  defineConfig({
    root: fileURLToPath(new URL(".", folder)),
    base: "./",
    build: { target: "es2022", assetsInlineLimit: 0 },
    worker: { format: "es" },
    resolve: {
      alias: [
        ...entries.map(({ name, source: path }) => ({ find: exactly(name), replacement: source(path) })),
        { find: exactly("#platform"), replacement: source("src/platform/browser.ts") },
      ],
    },
  });
