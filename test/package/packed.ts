import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ensureBuilt, root } from "../../scripts/bootstrap.mjs";

export interface InstalledPackage {
  /** A folder whose node_modules holds the packed package, and which holds the program of the test. */
  readonly folder: string;
  /** Names of the files in the tarball. */
  readonly files: readonly string[];
  close(): void;
}

/** The name under which the training program lies in the folder. */
export const program = "five-steps.mjs";

/** Runs npm without the settings of the npm that may have started the tests. */
function npm(cwd: string, ...args: string[]): string {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  return execFileSync("npm", [...args, ...quiet], { cwd, env, encoding: "utf8", shell: process.platform === "win32" });
}

/** Packs what would be published and installs it, as a user's project does. */
export function installPacked(): InstalledPackage {
  ensureBuilt();
  const folder = mkdtempSync(path.join(tmpdir(), "longshort-package-"));
  const [packed] = JSON.parse(npm(root, "pack", "--json", "--ignore-scripts", "--pack-destination", folder));
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"))!;
  npm(folder, "install", "--prefer-offline", `./${tarball}`);
  copyFileSync(path.join(root, "test", "package", program), path.join(folder, program));
  return {
    folder,
    files: packed.files.map((file: { path: string }) => file.path),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
