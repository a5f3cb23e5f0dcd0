import { expect, it } from "vitest";
import { openMachine } from "../../src/compute/open.ts";

it("opens machines by name, with their options", async () => {
  const reference = await openMachine("reference");
  expect([reference.name, reference.limits.float]).toEqual(["reference", "float64"]);
  const wasm = await openMachine("wasm", { fused: false });
  expect([wasm.name, wasm.limits.float, wasm.limits.family]).toEqual(["wasm", "float32", "portable"]);
  wasm.close();
});

it("opens a machine for a block, and closes it at its end", async () => {
  const left = await (async () => {
    using machine = await openMachine("wasm", { threads: 1 });
    return { machine, arena: machine.arena("memory", 4) };
  })();
  expect(() => left.machine.arena("memory", 4)).toThrow(/the machine was closed/);
  expect(() => left.machine.write(left.arena, { arena: "memory", offset: 0, length: 4, type: "float" }, [])).toThrow(
    /the machine was closed.*open another/,
  );
});

it("says which machines there are", async () => {
  await expect(openMachine("wasn" as "wasm")).rejects.toThrow(/"reference", "wasm".*did you mean "wasm"/);
  await expect(openMachine("toString" as "wasm")).rejects.toThrow(/"reference", "wasm"/);
});
