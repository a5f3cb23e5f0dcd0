import { describe, expect, it } from "vitest";
import { openReference } from "../../src/compute/reference/machine.ts";
import { linear } from "../../src/layers/linear.ts";
import { Executables } from "../../src/tensor/executables.ts";
import type { Graph } from "../../src/tensor/graph.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";

async function opened() {
  const layer = linear({ inputSize: 2, outputSize: 1, initialize: "ones", bias: false });
  const machine = openReference();
  const parameters = await createParameters({ machine, layout: layoutParameters(layer) });
  const record = (rows: number) => (graph: Graph) => {
    graph.output("y", layer.forward(graph.input("x", [rows, 2])));
  };
  return { machine, parameters, executables: new Executables(machine, parameters), record };
}

describe("executables by shape", () => {
  it("are recorded once, also for those who ask at the same time", async () => {
    const { executables, record } = await opened();
    let recorded = 0;
    const ask = (rows: number) =>
      executables.of(String(rows), (graph) => {
        recorded++;
        record(rows)(graph);
      });
    const [a, b, other] = await Promise.all([ask(1), ask(1), ask(2)]);
    expect(a).toBe(b);
    expect(other).not.toBe(a);
    expect(await ask(1)).toBe(a);
    expect(recorded).toBe(2);
    a.write("x", [3, 4]);
    a.run();
    expect(await a.readAll()).toEqual({ y: Float64Array.of(7) });
  });

  it("may be asked for again after a failure", async () => {
    const { executables, record } = await opened();
    const failing = executables.of("1", () => {
      throw new Error("no such layer");
    });
    await expect(failing).rejects.toThrow("no such layer");
    await expect(executables.of("1", record(1))).resolves.toBeDefined();
  });

  it("of a key that is asked for again are made, whatever becomes of the one before", async () => {
    const { executables, record } = await opened();
    const failing = executables.of("1", () => {
      throw new Error("no such layer");
    });
    executables.close();
    const again = executables.of("1", record(1));
    await expect(failing).rejects.toThrow("no such layer");
    await expect(again).resolves.toBeDefined();
    expect(executables.of("1", record(1))).toBe(again);
  });

  it("that were closed while they were being made are refused, also if the same was asked for again", async () => {
    const { executables, record } = await opened();
    const first = executables.of("1", record(1));
    executables.close();
    const second = executables.of("1", record(1));
    await expect(first).rejects.toThrow("closed while it was being prepared");
    expect(await second).toBe(await executables.of("1", record(1)));
    (await second).run();
  });

  it("are closed together, those in preparation too", async () => {
    const { machine, executables, record } = await opened();
    const before = machine.memory;
    const ready = await executables.of("1", record(1));
    const pending = executables.of("2", record(2));
    executables.close();
    executables.close();
    expect(() => ready.run()).toThrow("executable was closed");
    await expect(pending).rejects.toThrow("closed while it was being prepared");
    expect(machine.memory).toEqual(before);
    await expect(executables.of("1", record(1))).resolves.not.toBe(ready);
  });
});
