import { expect, test } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import { openMachine } from "../../src/compute/open.ts";
import { cellGraph } from "../../src/explain/cell-graph.ts";
import { trace, traceNames } from "../../src/explain/trace.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { difference } from "../support/difference.ts";

test.each(
  [lstm(), gru(), rnn(), lstm({ coupled: true })].map((cell) => [`${cell.name} ${cell.gates.length}`, cell] as const),
)("the graph of %s computes what a trace shows", async (_, cell) => {
  const machine = await openMachine("reference");
  const model = recurrent({ cell, inputSize: 2, hiddenSize: 3 });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
  const data = new RandomStream(1, "test").normal(2 * 4);
  const { values } = await trace({ model, parameters }, { data }, { names: traceNames(model) });
  const at = (name: string, step: number) => values[`${name}_l0`]!.data.slice(step * 3, step * 3 + 3);
  const graph = cellGraph(cell);
  const given = Object.fromEntries(
    graph.nodes
      .filter(({ depth }) => depth === 0)
      .map(({ name, kind }) => [name!, kind === "previous" ? at(name!.slice(9), 2) : at(name!, 3)]),
  );
  const found = graph.evaluate(given);
  const named = graph.nodes.filter(({ name, kind }) => kind === "operation" && name !== undefined);
  expect(named.length).toBeGreaterThan(0);
  for (const { id, name } of named) expect(difference(found[id]!, at(name!, 3)), name).toBeLessThan(1e-12);
  // What is put in place of a value reaches what is made of it.
  const h = graph.nodes.find(({ name }) => name === "h")!;
  const changed = graph.evaluate(given, new Map([[h.args[0] ?? 0, [9, 9, 9]]]));
  expect(changed[h.id]).not.toEqual(found[h.id]);
  parameters.close();
  machine.close();
});
