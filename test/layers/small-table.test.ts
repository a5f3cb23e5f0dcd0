import { expect, test } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { embedding } from "../../src/layers/embedding.ts";
import { Recurrent } from "../../src/layers/recurrent.ts";
import { add } from "../../src/tensor/arithmetic.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { everyWasm } from "../compute/wasm/every-wasm.ts";
import { describeOnMachines } from "../support/machines.ts";
import type { Named, Numbers } from "../support/recurrent.ts";
import { expectNear, expectSameBits, randomCase, type Sizes, values } from "../support/recurrent-cases.ts";
import { type LawCell, lawCells } from "../support/recurrent-cells.ts";

interface Lookup {
  readonly cell: LawCell;
  readonly sizes: Sizes;
  readonly vocabulary: number;
  /** Whether the recurrent layer may know that its input is rows of the table. */
  readonly known: boolean;
  readonly training?: boolean;
  readonly recompute?: number;
}

/** An embedding and recurrent layers over it: what comes out, the final states and all gradients; and how many scans read the table. */
async function run(
  machine: SynchronousMachine,
  o: Lookup,
): Promise<{ results: Named; gradients: Named; scans: number }> {
  const c = randomCase(o.cell, o.sizes, 1);
  const { steps, batch, options } = c;
  const table = embedding({ vocabularySize: o.vocabulary, embeddingSize: options.inputSize });
  const rnn = new Recurrent(options);
  const layout = layoutParameters({ parts: { embedding: table, rnn } });
  const { training = true } = o;
  const graph = new Graph({ machine, parameters: layout, training, recompute: o.recompute });
  const tokens = graph.input("tokens", [steps, batch], { type: "int", below: o.vocabulary });
  const rows = table.forward(tokens);
  const { output, final } = rnn.forward(o.known ? rows : add(rows, graph.constant([], [0])));
  graph.output("output", output);
  for (const [name, t] of Object.entries(final)) graph.output(`final.${name}`, t);
  if (training)
    graph.backward([
      [output, graph.constant(output.shape, c.up.output)],
      ...Object.entries(final).map(([name, t]) => [t, graph.constant(t.shape, c.up.final[name]!)] as const),
    ]);
  const scans = graph.finish().launches.filter(({ operands }) => "table" in operands && "weight_ih" in operands).length;
  const store = await createParameters({ machine, layout, seed: 1 });
  store.arena("gradients");
  const executable = await compile(graph, { machine, arenas: store.arenas });
  try {
    for (const [name, data] of Object.entries(c.parameters)) store.write(`rnn.${name}`, data);
    store.write("embedding.weight", values(o.vocabulary * options.inputSize, 3));
    executable.write(
      "tokens",
      values(steps * batch, 5).map((v) => Math.floor(((v + 1) / 2) * (o.vocabulary - 0.001))),
    );
    // Twice: nothing is left over from the run before.
    for (let n = 0; n < 2; n++) executable.run(graph.randomScalars({ seed: 1, update: 3 }));
    const results: Record<string, Numbers> = {};
    for (const name of Object.keys(graph.outputs)) results[name] = await executable.read(name);
    const gradients: Record<string, Numbers> = {};
    if (training) for (const name of store.names) gradients[name] = await store.read(name, "gradients");
    return { results, gradients, scans };
  } finally {
    executable.close();
    store.close();
  }
}

const [lstm, gru] = ["lstm", "gru"].map((name) => lawCells.find((cell) => cell.name === name)!) as [LawCell, LawCell];
const sizes: Sizes = { steps: 9, batch: 3, inputSize: 5, hiddenSize: 18 };

describeOnMachines("a scan over rows of a small table", (opened) => {
  const { gradients: tolerance } = opened;
  const check = async (o: Omit<Lookup, "known">): Promise<void> => {
    const known = await run(opened.machine, { ...o, known: true });
    const unknown = await run(opened.machine, { ...o, known: false });
    expect([known.scans > 0, unknown.scans]).toEqual([true, 0]);
    expectSameBits(known.results, unknown.results);
    expectNear(known.gradients, unknown.gradients, tolerance);
    expect(Object.values(known.gradients).every((g) => Array.from(g).some((v) => v !== 0))).toBe(true);
  };
  test.each(lawCells.map((cell) => [cell.name, cell] as const))(
    "%s: the same bits forward, the same gradients",
    (_, cell) => check({ cell, sizes, vocabulary: 6 }),
  );
  test.each([
    ["from the last step to the first", { ...sizes, reverse: true }],
    ["in two directions and layers", { ...sizes, bidirectional: true, numLayers: 2 }],
    ["one example", { ...sizes, steps: 24, batch: 1 }],
    ["wide, over more rows than a block of a sum has", { steps: 40, batch: 9, inputSize: 33, hiddenSize: 50 }],
  ] as const)("%s", (_, sizes) => check({ cell: lstm, sizes, vocabulary: 6 }));
  test("a table of one row", () => check({ cell: lstm, sizes, vocabulary: 1 }));
  test("without gradients", () => check({ cell: lstm, sizes, vocabulary: 6, training: false }));
  test.each([2, 4, 9])("recomputed in %i parts: the same bits", async (recompute) => {
    const o = { cell: lstm, sizes, vocabulary: 6, known: true };
    const [whole, parts] = [await run(opened.machine, o), await run(opened.machine, { ...o, recompute })];
    expectSameBits(parts.results, whole.results);
    expectSameBits(parts.gradients, whole.gradients);
  });
  test("a table too large for its steps is not multiplied whole", async () => {
    const { scans } = await run(opened.machine, { cell: lstm, sizes, vocabulary: 7, known: true });
    expect(scans).toBe(0);
  });
});

const everywhere = everyWasm();
test("threads and wide tiles give the bits of one thread", async () => {
  const o = { cell: gru, sizes: { ...sizes, hiddenSize: 50 }, vocabulary: 6, known: true };
  const [one, ...others] = await Promise.all(everywhere.map((machine) => run(machine, o)));
  expect(others).toHaveLength(3);
  for (const other of others) {
    expectSameBits(other.results, one!.results);
    expectSameBits(other.gradients, one!.gradients);
  }
});

test("float32 is near float64", async () => {
  const o = {
    cell: gru,
    sizes: { ...sizes, hiddenSize: 50 },
    vocabulary: 6,
    known: true,
  };
  const [wasm, reference] = [await openMachine("wasm"), await openMachine("reference")];
  const [came, expected] = [await run(wasm, o), await run(reference, o)];
  expectNear(came.results, expected.results, 2e-6);
  expectNear(came.gradients, expected.gradients, 1e-5);
  wasm.close();
  reference.close();
});
