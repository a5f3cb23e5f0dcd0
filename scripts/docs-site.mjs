/**
 * `npm run docs:site`: builds the site of the documents into docs/site/dist, the pages of the API included, ready for any host of
 * static files. A link that leads nowhere ends it with an error. `DOCS_BASE=/name/` is for a host that keeps it below a path;
 * `--serve` shows it on this machine afterwards.
 *
 * VitePress brings a Vite of its own, so it is installed into docs/site and not with everything else.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { standIns } from "../docs/site/pages.mjs";
import { ensureInstalled, orExit, root, run } from "./bootstrap.mjs";

const site = path.join(root, "docs", "site");

/** Installs what docs/site/package.json asks for when it is missing or of another version. */
function ensureSiteInstalled() {
  const { dependencies } = JSON.parse(readFileSync(path.join(site, "package.json"), "utf8"));
  const present = Object.entries(dependencies).every(([name, version]) => {
    const file = path.join(site, "node_modules", name, "package.json");
    return existsSync(file) && JSON.parse(readFileSync(file, "utf8")).version === version;
  });
  if (present) return;
  console.error("Installing VitePress into docs/site …");
  const quiet = ["--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"];
  run("npm", ["install", ...quiet], { cwd: site, shell: process.platform === "win32" });
}

orExit(() => {
  ensureInstalled();
  ensureSiteInstalled();
  const vitepress = path.join(site, "node_modules", "vitepress", "bin", "vitepress.js");
  run(process.execPath, [vitepress, "build", site]);
  // Pages link to the schemas beside them.
  const reference = path.join(root, "docs", "reference");
  for (const name of readdirSync(reference).filter((file) => file.endsWith(".json")))
    copyFileSync(path.join(reference, name), path.join(site, "dist", "reference", name));
  // The addresses of pages that a language has not lead to those that stand for them, also without the theme's script.
  for (const [page, other] of Object.entries(standIns())) {
    const to = path.posix.relative(path.posix.dirname(page), `${other}.html`);
    const file = path.join(site, "dist", `${page}.html`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(
      file,
      `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=${to}"><a href="${to}">→</a>\n`,
    );
  }
  const typedoc = path.join(root, "node_modules", "typedoc", "bin", "typedoc");
  // What is missing there is the concern of `npm run docs:api`, which fails on warnings.
  const lenient = ["--treatWarningsAsErrors", "false", "--logLevel", "Error"];
  run(process.execPath, [typedoc, "--out", path.join(site, "dist", "api"), ...lenient]);
  console.log("The site is in docs/site/dist.");
  if (process.argv.includes("--serve")) run(process.execPath, [vitepress, "serve", site]);
});
