import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { platform } from "#platform";
import { openMachine } from "../compute/open.ts";
import { moduleName } from "../compute/wasm/module-name.ts";
import { loadRun } from "../run/load-run.ts";
import { openSession } from "../run/session.ts";

/**
 * Writes the kernels that a session of a packed language model needs, and `index.js`, whose `compile` finds them, for hosts that compile no
 * WebAssembly. They are those of one order of calls, since addresses are part of them: `openMachine`, `loadRun`, `openSession`.
 * @returns how many
 */
export async function writeKernels(folder: string, packed: Uint8Array): Promise<number> {
  const kernels = new Map<string, Uint8Array>();
  const compile = (bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module => {
    kernels.set(moduleName(bytes), bytes.slice());
    return new WebAssembly.Module(bytes);
  };
  // Which of both a processor takes it says when the machine is opened there.
  for (const fused of [true, false]) {
    using machine = await openMachine("wasm", { fused, compile });
    using run = await loadRun(packed, { machine });
    using session = await openSession(run);
    session.feed([0]);
  }
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of kernels) await platform.writeFileAtomic(join(folder, `${name}.wasm`), bytes);
  await platform.writeFileAtomic(join(folder, "index.js"), indexOf([...kernels.keys()]));
  return kernels.size;
}

const indexOf = (names: readonly string[]): string => `// Written by \`longshort pack --kernels\`.
import { moduleName } from "longshort";
${names.map((name, k) => `import kernel${k} from "./${name}.wasm";`).join("\n")}

const kernels = { ${names.map((name, k) => `"${name}": kernel${k}`).join(", ")} };

/** The option \`compile\` of \`openMachine\`. */
export const compile = (bytes) => kernels[moduleName(bytes)];
`;
