import { expect, test } from "vitest";
import { gru } from "../../../src/cells/gru.ts";
import { openWasm } from "../../../src/compute/wasm/machine.ts";
import { linear } from "../../../src/layers/linear.ts";
import { recurrent } from "../../../src/layers/recurrent.ts";
import { compile } from "../../../src/tensor/executable.ts";
import { Graph } from "../../../src/tensor/graph.ts";
import { reshape } from "../../../src/tensor/operations.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";

/** A plan keeps packed weights from run to run; these tests change the weights behind its back. */
async function streaming(batch: number) {
  const machine = await openWasm();
  const model = {
    parts: {
      rnn: recurrent({ cell: gru(), inputSize: 5, hiddenSize: 70 }),
      head: linear({ inputSize: 70, outputSize: 21 }),
    },
  };
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
  const make = async () => {
    const graph = new Graph({ machine, parameters: parameters.layout });
    const x = graph.input("x", [1, batch, 5]);
    const { output } = model.parts.rnn.forward(x);
    graph.output("y", model.parts.head.forward(reshape(output, [batch, 70])));
    return compile(graph, { machine, arenas: { parameters: parameters.arena("parameters") } });
  };
  const input = Float32Array.from({ length: 5 * batch }, (_, k) => Math.sin(k));
  const result = async (plan: Awaited<ReturnType<typeof make>>): Promise<number[]> => {
    plan.write("x", input);
    plan.run();
    return [...(await plan.read("y"))];
  };
  return { parameters, make, result };
}

test.each([1, 4])("weights written between two runs are seen by the next one (batch %i)", async (batch) => {
  const { parameters, make, result } = await streaming(batch);
  const kept = await make();
  const before = await result(kept);
  expect(await result(kept)).toEqual(before);
  for (const name of ["rnn.weight_hh_l0", "rnn.weight_ih_l0", "rnn.bias_hh_l0", "head.weight"]) {
    const old = await parameters.read(name);
    parameters.write(
      name,
      old.map((w) => w * 1.5 + 0.01),
    );
    const now = await result(kept);
    expect(now, name).toEqual(await result(await make()));
    parameters.write(name, old);
    expect(await result(kept), name).toEqual(before);
  }
});

test("a batch of one gives the bits that its row gives in a larger batch", async () => {
  const [one, four] = [await streaming(1), await streaming(4)];
  const alone = await one.result(await one.make());
  const together = await four.result(await four.make());
  expect(together.slice(0, 21)).toEqual(alone);
});
