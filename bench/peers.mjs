/** Installs the other libraries into `bench/peers/` (ignored by git), and says which cannot be installed. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("peers/", import.meta.url));
const script = (name) => fileURLToPath(new URL(`systems/${name}`, import.meta.url));
const python = "/usr/bin/python3";

/**
 * npm packages of each system, the flags they are installed with, the script that runs it, and the threads it is tried with. What is
 * not installed by its own choice: an OpenGL binding (brain.js). ONNX Runtime for Node is there for the tests.
 */
const packages = {
  "onnxruntime-node": { names: [], run: ["onnxruntime-node.mjs"], threads: [1, 2] },
  "onnxruntime-web": { names: ["onnxruntime-web@1.30.0"], run: ["onnxruntime-web.mjs"], threads: [1, 2] },
  "tensorflow.js-cpu": { names: ["@tensorflow/tfjs@4.22.0"], run: ["tensorflowjs.mjs", "cpu"], threads: [1] },
  "tensorflow.js-wasm": {
    names: ["@tensorflow/tfjs@4.22.0", "@tensorflow/tfjs-backend-wasm@4.22.0"],
    run: ["tensorflowjs.mjs", "wasm"],
    threads: [1, 2],
  },
  "brain.js": { names: ["brain.js@2.0.0-beta.24"], flags: ["--ignore-scripts"], run: ["brainjs.mjs"], threads: [1] },
};

/** All systems that we are measured beside. */
export const systems = ["pytorch", ...Object.keys(packages)];

/** Thread counts that a system is tried with where ours has so many: those it can be told, one and two among them. */
export function threadsOf(system, ours) {
  const threads = packages[system]?.threads ?? [1, 2];
  return threads.length === 1 ? threads : [...new Set([...threads, ...ours])].sort((a, b) => a - b);
}

const run = (command, args, env = {}) =>
  spawnSync(command, args, { cwd: folder, encoding: "utf8", env: { ...process.env, ...env } });

/** PyTorch, with OpenBLAS under it. */
const hasTorch = () =>
  spawnSync(python, ["-c", "import torch, ctypes; ctypes.CDLL('libopenblas.so.0')"], { stdio: "ignore" }).status === 0;

function installTorch() {
  if (hasTorch()) return undefined;
  if (process.getuid?.() !== 0)
    return "python3 with torch is not there, and only root can install Debian's python3-torch";
  run("apt-get", ["update", "-qq"]);
  // Without OpenBLAS PyTorch falls back on the reference BLAS, ten times slower: it must be there, not only recommended.
  const names = ["python3-torch", "python3-numpy", "libopenblas0-pthread"];
  run("apt-get", ["install", "-qq", "-y", "--no-install-recommends", ...names], { DEBIAN_FRONTEND: "noninteractive" });
  return hasTorch() ? undefined : "Debian's python3-torch could not be installed";
}

/** The version that is installed of a package of this name, if any. */
function installed(name) {
  const manifest = `${folder}node_modules/${name}/package.json`;
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : undefined;
}

function installPackages(system) {
  const { names, flags = [] } = packages[system];
  const parted = names.map((word) => ({ word, at: word.lastIndexOf("@") }));
  const missing = parted.filter(({ word, at }) => installed(word.slice(0, at)) !== word.slice(at + 1));
  if (missing.length === 0) return undefined;
  console.error(`installing ${missing.map(({ word }) => word).join(", ")} into bench/peers …`);
  const words = ["install", "--no-audit", "--no-fund", "--loglevel=error", ...flags, ...missing.map((m) => m.word)];
  const { status, stderr, error } = run("npm", words);
  if (status === 0) return undefined;
  return `npm could not install ${names.join(" and ")}: ${error?.message ?? stderr.trim().split("\n").at(-1)}`;
}

/** Why a peer cannot be had, or undefined. @param {string} system */
export function install(system) {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(`${folder}package.json`)) writeFileSync(`${folder}package.json`, '{ "private": true }\n');
  return system === "pytorch" ? installTorch() : installPackages(system);
}

/** OpenBLAS, PyTorch's own loops and oneDNN, on vectors of 256 bits where the processor has longer ones. */
const AVX2 = { OPENBLAS_CORETYPE: "Haswell", ATEN_CPU_CAPABILITY: "avx2", DNNL_MAX_CPU_ISA: "AVX2" };

/**
 * The command that runs a peer on the data of a case: program, arguments, and what to add to the environment.
 *
 * @param {{ avx2?: boolean }} [options] `avx2`: PyTorch computes on vectors of 256 bits
 */
export function peerCommand(system, data, threads, { avx2 = false } = {}) {
  if (system === "pytorch")
    // Waiting threads that spin take the processor from those that work.
    return {
      program: [python, script("pytorch.py"), data, String(threads)],
      env: { OMP_WAIT_POLICY: "passive", OMP_NUM_THREADS: String(threads), ...(avx2 && AVX2) },
    };
  const [file, ...more] = packages[system].run;
  return { program: [process.execPath, script(file), data, String(threads), ...more], env: {} };
}
