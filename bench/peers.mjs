/** Installs what others wrote into a folder of its own, `bench/peers/` (ignored by git), and says what cannot be had. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("peers/", import.meta.url));
const run = (command, args, env = {}) =>
  spawnSync(command, args, { cwd: folder, encoding: "utf8", env: { ...process.env, ...env } });
const python = "/usr/bin/python3";
/** PyTorch, with OpenBLAS under it. */
const hasTorch = () =>
  spawnSync(python, ["-c", "import torch, ctypes; ctypes.CDLL('libopenblas.so.0')"], { stdio: "ignore" }).status === 0;

/** How each peer is got: undefined when it is there, else why it is not. */
const installers = {
  "onnxruntime-node": () => {
    if (existsSync(`${folder}node_modules/onnxruntime-node`)) return undefined;
    const { status, stderr } = run("npm", ["install", "--no-audit", "--no-fund", "onnxruntime-node@1.30.0"], {
      ONNXRUNTIME_NODE_INSTALL: "skip",
    });
    return status === 0 ? undefined : `npm could not install onnxruntime-node: ${stderr.trim().split("\n").at(-1)}`;
  },
  pytorch: () => {
    if (hasTorch()) return undefined;
    if (process.getuid?.() !== 0)
      return "python3 with torch is not there, and only root can install Debian's python3-torch";
    run("apt-get", ["update", "-qq"]);
    // Without OpenBLAS PyTorch falls back on the reference BLAS, ten times slower: it must be there, not only recommended.
    run(
      "apt-get",
      ["install", "-qq", "-y", "--no-install-recommends", "python3-torch", "python3-numpy", "libopenblas0-pthread"],
      {
        DEBIAN_FRONTEND: "noninteractive",
      },
    );
    return hasTorch() ? undefined : "Debian's python3-torch could not be installed";
  },
};

/** Why a peer cannot be had, or undefined. @param {string} system */
export function install(system) {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(`${folder}package.json`)) writeFileSync(`${folder}package.json`, '{ "private": true }\n');
  return installers[system]();
}

/** The command that runs a system on a case: program, arguments, and what to add to the environment. */
export function command(system, { data, threads, node }) {
  const script = (name) => fileURLToPath(new URL(`systems/${name}`, import.meta.url));
  if (system === "longshort") return { program: [...node, script("longshort.mjs"), data], env: {} };
  if (system === "pytorch")
    // Waiting threads that spin take the processor from those that work.
    return { program: [python, script("pytorch.py"), data, String(threads)], env: { OMP_WAIT_POLICY: "passive" } };
  return { program: [process.execPath, script(`${system}.mjs`), data, String(threads)], env: {} };
}
