import { afterAll, beforeAll, describe } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { type MachineName, openMachine } from "../../src/compute/open.ts";

/** A machine that tests run on, and how far it may be from the truth (`difference`). */
export interface TestMachine {
  readonly name: MachineName;
  /** Of outputs and states. */
  readonly outputs: number;
  readonly gradients: number;
}

/** Every machine. */
export const machines: readonly TestMachine[] = [
  { name: "reference", outputs: 1e-10, gradients: 1e-10 },
  { name: "wasm", outputs: 2e-6, gradients: 1e-5 },
];

/** What an open machine is to a test. */
export interface Opened extends TestMachine {
  /** Open while tests run, not while they are listed. */
  readonly machine: SynchronousMachine;
}

/** The same tests on every machine. */
export function describeOnMachines(title: string, body: (opened: Opened) => void): void {
  for (const m of machines)
    describe(`${title} on ${m.name}`, () => {
      const opened: { machine?: SynchronousMachine } = {};
      beforeAll(async () => {
        opened.machine = await openMachine(m.name);
      });
      afterAll(() => opened.machine?.close());
      body({
        ...m,
        get machine() {
          return opened.machine!;
        },
      });
    });
}
