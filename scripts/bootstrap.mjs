/**
 * Brings a fresh clone to the point where it can run: packages installed, TypeScript compiled. Each part is skipped when it is up to date.
 *
 * Imports nothing but Node, because it runs before anything is installed.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder that holds package.json. */
export const root = fileURLToPath(new URL("..", import.meta.url));

const at = (...parts) => path.join(root, ...parts);

/** Runs a program in the root folder with our input and output; throws when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (result.error) throw new Error(`${command} could not be started: ${result.error.message}`);
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(" ")} failed (${result.signal ?? `exit code ${result.status}`}).`);
}

function npm(...args) {
  const cli = process.env.npm_execpath;
  // The script of onnxruntime-node would fetch a GPU runtime. Its refusal in package.json (allowScripts) is known to npm 11 only.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
  if (cli?.endsWith(".js")) run(process.execPath, [cli, ...args], { env });
  else run("npm", args, { env, shell: process.platform === "win32" });
}

/** The versions that a lock file names, without those for other platforms. */
function lockedVersions(file) {
  const { packages } = JSON.parse(readFileSync(file, "utf8"));
  return Object.entries(packages).filter(([name, entry]) => name !== "" && !entry.optional && !entry.link);
}

/** Whether node_modules holds what package-lock.json asks for. npm writes the hidden lock file last, so half an install has none. */
function isInstalled() {
  const hidden = at("node_modules", ".package-lock.json");
  if (!existsSync(hidden)) return false;
  const present = new Map(lockedVersions(hidden).map(([name, entry]) => [name, entry.version]));
  return lockedVersions(at("package-lock.json")).every(([name, entry]) => present.get(name) === entry.version);
}

/** Installs the packages of package-lock.json when they are missing or of other versions. */
export function ensureInstalled() {
  if (isInstalled()) return;
  const fresh = !existsSync(at("node_modules", ".package-lock.json"));
  console.error(fresh ? "Installing packages …" : "Bringing packages up to date …");
  npm(...(fresh ? ["ci"] : ["install", "--no-save"]), "--no-audit", "--no-fund", "--loglevel=error");
}

/** Every file below `folder`, as paths relative to it, sorted. */
function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path
        .relative(folder, path.join(entry.parentPath ?? entry.path, entry.name))
        .split(path.sep)
        .join("/"),
    )
    .sort();
}

/** Names the state of everything that the build reads, so that an unchanged tree is not compiled again. */
function sourceFingerprint(sources) {
  const hash = createHash("sha256");
  for (const name of ["tsconfig.json", "tsconfig.build.json", "package.json", "scripts/bundle.mjs"])
    hash.update(readFileSync(at(name)));
  for (const name of sources) hash.update(`${name}\0`).update(readFileSync(at("src", name)));
  return hash.digest("hex");
}

/** Removes what the compiler wrote for sources that are gone; the package would ship it otherwise. */
function removeOrphans(sources) {
  const kept = new Set([
    ...sources.map((name) => name.replace(/\.ts$/, "")),
    "longshort.browser",
    "longshort-formats.browser",
  ]);
  for (const name of filesBelow(at("dist"))) {
    if (!name.startsWith(".") && !kept.has(name.replace(/(\.d\.ts|\.js)(\.map)?$/, ""))) rmSync(at("dist", name));
  }
}

/** Compiles src/ to dist/ and bundles it for pages when a source, a setting or dist/ itself has changed. */
export function ensureBuilt() {
  const sources = filesBelow(at("src")).filter((name) => name.endsWith(".ts"));
  const stamp = at("dist", ".fingerprint");
  const fingerprint = sourceFingerprint(sources);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint) return;
  console.error("Building …");
  rmSync(stamp, { force: true });
  run(process.execPath, [at("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.build.json"]);
  removeOrphans(sources);
  run(process.execPath, [at("scripts", "bundle.mjs")]);
  writeFileSync(stamp, fingerprint);
}

/** Runs `step` and prints a plain message, without a stack trace, when it fails. */
export function orExit(step) {
  try {
    return step();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

/** Installed and built, or the process ends. */
export function ensureReady() {
  orExit(() => {
    ensureInstalled();
    ensureBuilt();
  });
}
