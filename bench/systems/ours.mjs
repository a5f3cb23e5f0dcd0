/** Measures a case on Longshort, in Node or in a page; the library is handed in. */
import { measure } from "../../dist/cli/bench/measure.js";
import { openWorkload } from "../../dist/cli/bench/workloads.js";

/** @param {{ c: import("../../src/cli/bench/cases.ts").Case, numbers: object, threads: number, seconds?: number }} setting */
export async function measureOurs(library, { c, numbers, threads, seconds }) {
  const machine = await library.openMachine("wasm", { threads });
  if (machine.limits.threads !== threads)
    throw new Error(`${threads} threads were asked for, the machine opened with ${machine.limits.threads}`);
  const workload = await openWorkload({ library, machine, numbers, c });
  const agree = await workload.check();
  const times = await measure(workload.run, { seconds, singles: c.kind === "stream" });
  const { family, threads: used } = machine.limits;
  return {
    ...times,
    agree,
    ...{ family, wide: machine.wide === true, threads: used },
    bytes: workload.bytes,
  };
}
