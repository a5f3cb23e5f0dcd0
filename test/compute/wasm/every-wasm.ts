import { afterAll, beforeAll } from "vitest";
import type { SynchronousMachine } from "../../../src/compute/machine.ts";
import { openWasm } from "../../../src/compute/wasm/machine.ts";

/** Machines of one, two and three threads and a wide one, which share every plan and launch: open while the tests of a file run. */
export function everyWasm(): readonly SynchronousMachine[] {
  const machines: SynchronousMachine[] = [];
  beforeAll(async () => {
    const all = { launch: 0, plan: 0 };
    for (const options of [{ threads: 1 }, { threads: 2 }, { threads: 3 }, { threads: 1, wide: true }])
      machines.push(await openWasm(options, all));
  });
  afterAll(() => {
    for (const machine of machines) machine.close();
  });
  return machines;
}
