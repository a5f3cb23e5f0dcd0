import { expect, it } from "vitest";
import { openMachine } from "../../src/compute/open.ts";

it("opens machines by name, with their options", async () => {
  const reference = await openMachine("reference");
  expect([reference.name, reference.limits.float]).toEqual(["reference", "float64"]);
  const wasm = await openMachine("wasm", { fused: false });
  expect([wasm.name, wasm.limits.float, wasm.limits.family]).toEqual(["wasm", "float32", "portable"]);
  wasm.close();
});

it("says which machines there are", async () => {
  await expect(openMachine("wasn" as "wasm")).rejects.toThrow(/"reference", "wasm".*did you mean "wasm"/);
  await expect(openMachine("toString" as "wasm")).rejects.toThrow(/"reference", "wasm"/);
});
