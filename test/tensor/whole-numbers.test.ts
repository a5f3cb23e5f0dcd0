import { expect, test } from "vitest";
import { embedding } from "../../src/layers/embedding.ts";
import { crossEntropy } from "../../src/losses/cross-entropy.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph, type Tensor } from "../../src/tensor/graph.ts";
import { concatenate, gather, reshape, slice, transpose } from "../../src/tensor/operations.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { describeOnMachines } from "../support/machines.ts";

/** Row r of the table is [r, 10 r]. */
const table = (graph: Graph, rows: number): Tensor =>
  graph.constant(
    [rows, 2],
    Array.from({ length: 2 * rows }, (_, k) => Math.floor(k / 2) * (k % 2 === 0 ? 1 : 10)),
  );

describeOnMachines("whole numbers that are cut out of an input", (m) => {
  /** The rows that the numbers choose which `cut` makes of an input [2, 3]. */
  async function chosen(cut: (tokens: Tensor, graph: Graph) => Tensor, tokens: readonly number[], rows = 6) {
    const { machine } = m;
    const graph = new Graph({ machine });
    graph.output("rows", gather(cut(graph.input("tokens", [2, 3], { type: "int" }), graph), table(graph, rows)));
    using executable = await compile(graph, { machine });
    executable.write("tokens", tokens);
    executable.run();
    return Array.from(await executable.read("rows")).filter((_, k) => k % 2 === 0);
  }

  test.each<[string, (tokens: Tensor, graph: Graph) => Tensor, number[]]>([
    ["a step", (x) => slice(x, 0, 1, 2), [3, 4, 5]],
    ["a sequence", (x) => slice(x, 1, 2, 3), [2, 5]],
    ["exchanged axes", (x) => transpose(x, [1, 0]), [0, 3, 1, 4, 2, 5]],
    ["a step of them", (x) => slice(transpose(x, [1, 0]), 0, 1, 2), [1, 4]],
    ["two that are joined", (x) => concatenate([slice(x, 0, 1, 2), slice(x, 0, 0, 1)], 0), [3, 4, 5, 0, 1, 2]],
    [
      "all but the last step, behind the one that begins",
      (x, graph) => concatenate([graph.input("begin", [1, 3], { type: "int" }), slice(x, 0, 0, 1)], 0),
      [0, 0, 0, 0, 1, 2],
    ],
  ])("%s", async (_, cut, expected) => {
    expect(await chosen(cut, [0, 1, 2, 3, 4, 5])).toEqual(expected);
  });

  test("they are held to the rows of the table that they choose from, the others are not", async () => {
    const second = (x: Tensor): Tensor => slice(x, 0, 1, 2);
    expect(await chosen(second, [99, 99, 99, 0, 1, 2], 3)).toEqual([0, 1, 2]);
    await expect(chosen(second, [0, 0, 0, 0, 3, 2], 3)).rejects.toThrow(/"tokens": element 4 is 3, .* from 0 to 2/);
    const middle = (x: Tensor): Tensor => slice(transpose(x, [1, 0]), 0, 1, 2);
    expect(await chosen(middle, [9, 2, 9, 9, 1, 9], 3)).toEqual([2, 1]);
    await expect(chosen(middle, [0, 0, 0, 0, -1, 0], 3)).rejects.toThrow(/element 4 is -1/);
    const joined = (x: Tensor): Tensor => concatenate([x, x], 1);
    await expect(chosen(joined, [0, 0, 0, 0, 0, 3], 3)).rejects.toThrow(/element 5 is 3/);
    // One of what was joined, whole and in parts, along both axes; from one input and from two.
    const first = (x: Tensor): Tensor => slice(concatenate([second(x), slice(x, 0, 0, 1)], 0), 0, 0, 1);
    expect(await chosen(first, [99, 99, 99, 0, 1, 2], 3)).toEqual([0, 1, 2]);
    await expect(chosen(first, [0, 0, 0, 0, 3, 2], 3)).rejects.toThrow(/"tokens": element 4 is 3/);
    const inner = (x: Tensor): Tensor => slice(concatenate([x, transpose(x, [0, 1])], 1), 1, 2, 4);
    expect(await chosen(inner, [0, 99, 1, 2, 99, 0], 3)).toEqual([1, 0, 0, 2]);
    for (const [at, tokens] of Object.entries({ 0: [3, 0, 0, 0, 0, 0], 2: [0, 0, 3, 0, 0, 0], 3: [0, 0, 0, 3, 0, 0] }))
      await expect(chosen(inner, tokens, 3)).rejects.toThrow(`element ${at} is 3`);
    let bounds: Graph["bounds"] | undefined;
    const behind = (x: Tensor, graph: Graph): Tensor => {
      ({ bounds } = graph);
      return slice(concatenate([graph.input("begin", [1, 3], { type: "int" }), x], 0), 0, 1, 3);
    };
    expect(await chosen(behind, [0, 1, 2, 2, 1, 0], 3)).toEqual([0, 1, 2, 2, 1, 0]);
    await expect(chosen(behind, [0, 1, 2, 2, 1, 3], 3)).rejects.toThrow(/"tokens": element 5 is 3/);
    expect(bounds!.smallest()).toEqual({ tokens: 3 });
  });

  test("two columns of categories have tables, and bounds, of their own", async () => {
    const { machine } = m;
    const graph = new Graph({ machine });
    const columns = graph.input("columns", [2, 3], { type: "int" });
    for (const [k, rows] of [3, 100].entries())
      graph.output(`rows${k}`, gather(slice(columns, 0, k, k + 1), table(graph, rows)));
    expect(graph.bounds.smallest()).toEqual({ columns: 3 });
    using executable = await compile(graph, { machine });
    executable.write("columns", [0, 1, 2, 50, 60, 99]);
    executable.run();
    expect(Array.from(await executable.read("rows1"))).toEqual([50, 500, 60, 600, 99, 990]);
    expect(() => executable.write("columns", [0, 1, 3, 50, 60, 99])).toThrow(/element 2 is 3/);
    expect(() => executable.write("columns", [0, 1, 2, 50, 60, 100])).toThrow(/element 5 is 100/);
  });

  test("a decoder's tokens and targets are steps of one input", async () => {
    const { machine } = m;
    const words = embedding({ vocabularySize: 4, embeddingSize: 4 });
    const layout = layoutParameters(words);
    const parameters = await createParameters({ machine, layout });
    const graph = new Graph({ machine, parameters: layout });
    const tokens = graph.input("tokens", [3, 2], { type: "int" });
    const step = (t: number): Tensor => reshape(slice(tokens, 0, t, t + 1), [2]);
    for (const t of [0, 1])
      graph.output(`loss${t}`, crossEntropy(words.forward(step(t)), step(t + 1), { ignoreIndex: 0 }));
    graph.output(
      "loss",
      crossEntropy(words.forward(slice(tokens, 0, 0, 2)), slice(tokens, 0, 1, 3), { ignoreIndex: 0 }),
    );
    using executable = await compile(graph, { machine, arenas: parameters.arenas });
    executable.write("tokens", [1, 2, 3, 1, 2, 2]);
    executable.run();
    const [first, second, both] = await Promise.all(["loss0", "loss1", "loss"].map((name) => executable.read(name)));
    expect(both![0]! * 2).toBeCloseTo(first![0]! + second![0]!, 5);
    parameters.close();
  });
});
