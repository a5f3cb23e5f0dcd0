/** Opens the file that is named in a process of its own and prints what came of it: see hostile-open.test.ts. */
import childProcess from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { openMachine } from "../../src/compute/open.ts";
import { readArrays } from "../../src/formats/named-arrays.ts";
import { runnableOf } from "../../src/formats/open.ts";
import { Program } from "../../src/formats/program.ts";
import { readModel } from "../../src/formats/read-model.ts";
import { randomInputs } from "../../src/formats/verify.ts";
import { LongshortError } from "../../src/shared/errors.ts";

export interface Outcome {
  /** Code of the error that refused the file, or of none of ours: its text. */
  readonly error?: { readonly code?: string; readonly message: string };
  /** Everything outside the process that was asked for: paths of files, names of programs, addresses. */
  readonly touched: readonly string[];
  readonly seconds: number;
  readonly bytes: number;
  readonly prototypes: "as before" | "changed";
}

const touched: string[] = [];
const say = (target: unknown): string =>
  typeof target === "string" || target instanceof URL ? String(target) : JSON.stringify(target);

/** Whatever takes a path, an address or a command first says so before it does what it did. */
function watch(functions: Record<string, unknown>): void {
  for (const [name, original] of Object.entries(functions)) {
    // Classes have capitals; the others take the number of an open file, or nothing.
    if (typeof original !== "function" || /^[A-Z_]/.test(name)) continue;
    functions[name] = Object.assign(function (this: unknown, ...args: unknown[]): unknown {
      if (typeof args[0] !== "number" && args[0] !== undefined) touched.push(say(args[0]));
      return original.apply(this, args);
    }, original);
  }
}

/** As `open` does, and what comes out is run. */
async function openAndRun(path: string): Promise<void> {
  if (path.endsWith(".npy")) {
    await readArrays(path);
    return;
  }
  const file = await readModel(path);
  // Names and shapes of bare tensors say no network: they were read, which is what can be done with them.
  if (file.content.kind === "weights") return;
  const program = new Program(runnableOf(file), { machine });
  await program.run(await randomInputs(program));
  program.close();
}

const machine = await openMachine("reference");
const prototypes = (): string =>
  JSON.stringify([Object, Array, Map, Function].map((kind) => Object.getOwnPropertyNames(kind.prototype)));
const before = { prototypes: prototypes(), rss: process.memoryUsage().rss, cpu: process.cpuUsage() };
const web: Record<string, unknown> = { fetch };
for (const functions of [fs, fs.promises, childProcess, net, web]) watch(functions as Record<string, unknown>);
Object.assign(globalThis, web);
syncBuiltinESMExports();

const error = await openAndRun(process.argv[2]!).then(
  () => undefined,
  (cause: unknown) =>
    cause instanceof LongshortError ? { code: cause.code, message: cause.message } : { message: String(cause) },
);
const { user, system } = process.cpuUsage(before.cpu);
const outcome: Outcome = {
  ...(error && { error }),
  touched: [...touched],
  seconds: (user + system) / 1e6,
  bytes: process.resourceUsage().maxRSS * 1024 - before.rss,
  prototypes: prototypes() === before.prototypes ? "as before" : "changed",
};
process.stdout.write(JSON.stringify(outcome));
