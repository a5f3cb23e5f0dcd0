import { expect, test } from "vitest";
import { gru } from "../../../src/cells/gru.ts";
import { lstm } from "../../../src/cells/lstm.ts";
import { openWasm } from "../../../src/compute/wasm/machine.ts";
import { layerBits } from "./bits.ts";

async function bits(wide: boolean, batch: number, hiddenSize: number, fused: boolean): Promise<Uint32Array[]> {
  const machine = await openWasm(fused ? { wide } : { wide, fused });
  const cell = batch % 2 ? lstm({ projection: true, peephole: true }) : gru({ resetAfter: batch % 4 === 0 });
  const results = await layerBits(machine, cell, { batch, hiddenSize });
  machine.close();
  return results;
}

test.each([
  [1, 5],
  [4, 16],
  [6, 33],
  [13, 20],
])("wide tiles change no bit: batch %i, hidden size %i", async (batch, hiddenSize) => {
  for (const fused of [true, false])
    expect(await bits(true, batch, hiddenSize, fused)).toEqual(await bits(false, batch, hiddenSize, fused));
});
