import { expect, test, vi } from "vitest";
import { lstm } from "../../../src/cells/lstm.ts";
import { openWasm } from "../../../src/compute/wasm/machine.ts";
import { recurrent } from "../../../src/layers/recurrent.ts";
import { compile } from "../../../src/tensor/executable.ts";
import { Graph } from "../../../src/tensor/graph.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";

/** What the measurement says, and how often it was made. */
const verdict = vi.hoisted(() => ({ wide: true, waits: undefined as boolean | undefined, measured: 0 }));
vi.mock("../../../src/compute/wasm/wide.ts", () => ({
  mayBeWide: () => true,
  chooseTiles: () => {
    verdict.measured++;
    return { asked: true, wide: verdict.wide, ...(verdict.waits !== undefined && { waits: verdict.waits }) };
  },
}));

const [T, B, H] = [3, 5, 20];

async function open(threads = 1) {
  const machine = await openWasm({ threads }, { launch: 1000, plan: threads === 1 ? 1e12 : 1000 });
  const layer = recurrent({ cell: lstm(), inputSize: H, hiddenSize: H });
  const parameters = await createParameters({ machine, layout: layoutParameters(layer) });
  const layerPlan = async () => {
    const graph = new Graph({ machine, parameters: parameters.layout });
    graph.output("output", layer.forward(graph.input("input", [T, B, H])).output);
    const plan = await compile(graph, { machine, arenas: { parameters: parameters.arena("parameters") } });
    plan.write(
      "input",
      Float32Array.from({ length: T * B * H }, (_, k) => Math.sin(k)),
    );
    return async () => {
      plan.run();
      return Array.from(await plan.read("output"));
    };
  };
  return { machine, parameters, layerPlan };
}

test.each([true, false])(
  "tiles are measured after the first result and change no bit of the next: %s",
  async (wide) => {
    Object.assign(verdict, { wide, measured: 0 });
    const { machine, parameters, layerPlan } = await open();
    const run = await layerPlan();
    const first = await run();
    expect(first.some((x) => x !== 0)).toBe(true);
    expect([verdict.measured, (machine as unknown as { wide: boolean }).wide]).toEqual([0, false]);
    expect(await run()).toEqual(first);
    expect([verdict.measured, (machine as unknown as { wide: boolean }).wide]).toEqual([1, wide]);
    // What was made of the weights is made anew, now and whenever they change.
    const name = "weight_hh_l0";
    parameters.write(
      name,
      (await parameters.read(name)).map((x) => x / 2),
    );
    const changed = await run();
    expect(changed).not.toEqual(first);
    const other = await layerPlan();
    expect(await other()).toEqual(changed);
    expect(verdict.measured).toBe(1);
    machine.close();
  },
);

test("a plan that is worth threads is measured for before it is compiled", async () => {
  Object.assign(verdict, { wide: true, measured: 0 });
  const { machine, layerPlan } = await open(2);
  await layerPlan();
  expect(verdict.measured).toBe(1);
  machine.close();
});

test.each([undefined, true, false])("registers are cleaned until it is known that nothing waits: %s", async (waits) => {
  Object.assign(verdict, { wide: true, waits });
  const { machine, layerPlan } = await open();
  const run = await layerPlan();
  const decode = vi.spyOn(TextDecoder.prototype, "decode");
  for (let k = 0; k < 3; k++) await run();
  expect(decode).toHaveBeenCalledTimes(waits === false ? 1 : 3);
  decode.mockRestore();
  machine.close();
});
