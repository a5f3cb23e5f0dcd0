import { expect, test } from "vitest";
import { cellText } from "../../src/cells/cell-text.ts";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { minGru } from "../../src/cells/min-gru.ts";
import { parseCell } from "../../src/cells/parse-cell.ts";
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

test.each([
  ["a candidate that is nothing but its sum", cellText(minGru())],
  ["a line that is another name of what is given", "a = h[t-1]\nb = W_b x + U_b a\nh = b"],
  [
    "a matrix on what the cell makes",
    "r = sigmoid(W_r x + U_r h[t-1])\nn = tanh(W_n x + U_n (r * h[t-1]))\nh = h[t-1] + r * n",
  ],
  [
    "means, choices and a state that is a number",
    "state h, s\na = W_a x + U_a h[t-1]\nh = if(a < s[t-1], a - mean(a, 1), a)\ns = 0",
  ],
])("the values are those of a trace: %s", async (_, text) => {
  const cell = parseCell(text);
  const machine = await openMachine("reference");
  const layers = recurrent({ cell, inputSize: 2, hiddenSize: 3 });
  const parameters = await createParameters({ machine, layout: layoutParameters(layers), seed: 3 });
  const data = [0.5, -1, 2, 0.25, -0.75, 1];
  const { values } = await trace({ model: layers, parameters }, { data }, { names: traceNames(layers) });
  const graph = cellGraph(cell);
  const at = (name: string, t: number) => values[`${name}_l0`]!.data.slice(t * 3, t * 3 + 3);
  const given: Record<string, ArrayLike<number>> = {};
  for (const { kind, name } of graph.nodes) {
    if (kind === "sum") given[name!] = at(name!, 2);
    if (kind === "previous") given[name!] = at(name!.slice(9), 1);
  }
  const computed = graph.evaluate(given);
  for (const [name, id] of Object.entries(graph.named))
    for (const [u, value] of at(name, 2).entries()) expect(computed[id]![u], name).toBeCloseTo(value, 12);
  expect(Object.keys(graph.named)).toContain("h");
  parameters.close();
  machine.close();
});

test("what a sum sees is told: the input, the state before, or a vector that the cell makes, which is drawn", () => {
  const seen = (cell: Parameters<typeof cellGraph>[0]) =>
    Object.fromEntries(
      cellGraph(cell)
        .nodes.filter(({ kind }) => kind === "sum")
        .map(({ symbol, sees }) => [symbol, sees.join("")]),
    );
  expect(seen(lstm())).toEqual({ i: "xh", f: "xh", g: "xh", o: "xh" });
  expect(seen(gru())).toEqual({ r: "xh", z: "xh", "n.x": "x", "n.h": "h" });
  expect(seen(gru({ resetAfter: false }))).toEqual({ r: "xh", z: "xh", n: "xmade" });
  expect(seen(minGru())).toEqual({ z: "x", n: "x" });
  const { nodes, named } = cellGraph(gru({ resetAfter: false }));
  const sum = nodes.find(({ name }) => name === "pre.n")!;
  expect(nodes[sum.args[0]!]!.args).toContain(named.r);
  expect(sum.depth).toBeGreaterThan(nodes[named.r!]!.depth);
});
