import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { openMachine } from "../../src/compute/open.ts";

/** What the tests of a file work with; both are gone after the last one. */
export async function machineAndFolder<K extends "wasm" | "reference">(kind: K) {
  const machine = await openMachine(kind);
  const folder = mkdtempSync(join(tmpdir(), "longshort-test-"));
  afterAll(() => {
    machine.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { machine, folder };
}
