import { describe, expect, expectTypeOf, test } from "vitest";
import { type Cell, defineCell, gateOf } from "../../src/cells/define.ts";
import { gru } from "../../src/cells/gru.ts";
import { layerNormLstm } from "../../src/cells/layer-norm-lstm.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { parseCell } from "../../src/cells/parse-cell.ts";
import { type CellName, cellByName, cellNames, type StatesOf } from "../../src/cells/registry.ts";
import type { Numbers, SynchronousMachine } from "../../src/compute/machine.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { trace } from "../../src/explain/trace.ts";
import { type Recurrent, recurrent } from "../../src/layers/recurrent.ts";
import { mul, tanh } from "../../src/math/expression.ts";
import { type LanguageModel, type LanguageModelOptions, languageModel } from "../../src/models/language-model.ts";
import { openSession, type Session } from "../../src/run/session.ts";
import { openStreams } from "../../src/run/streams.ts";
import { Graph, type Tensor } from "../../src/tensor/graph.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";

/*
 * States are typed by their names, from the cell to whatever carries its states. tsc checks what is said of types; each is compared with
 * what is there when the program runs.
 */

const sizes = { inputSize: 2, hiddenSize: 3 };
const small = { vocabularySize: 5, hiddenSize: 3, embeddingSize: 2 };
const own = defineCell({
  name: "own",
  gates: { a: gateOf(tanh, ({ previous }) => previous.fast!) },
  state: ["fast", "slow"],
  recurrent: ({ previous }) => previous.fast,
  step: ({ a }, { slow }) => ({ fast: a, slow: mul(0.5, slow) }),
});

describe("a cell carries the names of its states", () => {
  test("of what is built in, however it is said", () => {
    const states: { readonly [N in CellName]: readonly StatesOf<N>[] } = {
      ...{ rnn: ["h"], lstm: ["h", "c"], gru: ["h"], "min-gru": ["h"], "min-lstm": ["h"] },
      "layer-norm-lstm": ["h", "c"],
    };
    for (const name of cellNames)
      expect(cellByName(name).states.map((state) => state.name)).toEqual(states[name as CellName]);
    expectTypeOf<StatesOf<"lstm" | "layer-norm-lstm">>().toEqualTypeOf<"h" | "c">();
    // Of several what all have: nobody may ask a GRU for c.
    expectTypeOf<StatesOf<"lstm" | "gru">>().toEqualTypeOf<"h">();
    expectTypeOf<StatesOf<CellName>>().toEqualTypeOf<"h">();
    expectTypeOf(cellByName({ name: "lstm", options: { clip: 1 } })).toEqualTypeOf<Cell<"h" | "c">>();
    expectTypeOf(cellByName("gru" as string)).toEqualTypeOf<Cell>();
    expectTypeOf([lstm(), layerNormLstm()]).toEqualTypeOf<Cell<"h" | "c">[]>();
    expectTypeOf([lstm(), gru()]).toEqualTypeOf<Cell<"h">[]>();
  });

  test("of one's own", () => {
    expectTypeOf(own).toEqualTypeOf<Cell<"fast" | "slow">>();
    expect(Object.keys(own.next)).toEqual(["fast", "slow"]);
    expectTypeOf(own).toExtend<Cell>();
    expectTypeOf(parseCell("h = tanh(W_h x + U_h h[t-1])")).toEqualTypeOf<Cell>();
    // A cell whose states are only known when the program runs.
    const state: string[] = ["m", "n"];
    const late = defineCell({ name: "late", gates: { a: tanh }, state, step: ({ a }) => ({ m: a, n: a }) });
    expectTypeOf(late).toEqualTypeOf<Cell>();
    // @ts-expect-error: the step has to give slow, too
    const lacking = () => defineCell({ name: "own", gates: {}, state: ["slow"], step: () => ({ fast: tanh(1) }) });
    expect(lacking).toThrow(/expected slow as an expression/);
  });
});

describe("layers and models hand them on", () => {
  const gated = recurrent({ cell: gru(), ...sizes });
  const cells: readonly Cell[] = [own, lstm(), gru()];
  const layers = cells.map((cell) => recurrent({ cell, ...sizes }));
  const parameters = layoutParameters({ parts: Object.fromEntries([gated, ...layers].entries()) });
  const graph = new Graph({ machine: openReference(), parameters });
  const x = graph.input("x", [4, 1, 2]);
  const state = graph.input("state", [1, 1, 3]);

  test("recurrent layers", () => {
    expectTypeOf(gated).toEqualTypeOf<Recurrent<"h">>();
    const { final } = gated.forward(x, { initial: { h: state } });
    expectTypeOf(final.h).toEqualTypeOf<Tensor>();
    expect(Object.keys(final)).toEqual(["h"]);
    // @ts-expect-error: a GRU has no c
    expect(final.c).toBeUndefined();
    // @ts-expect-error: nor does it begin with one
    expect(() => gated.forward(x, { initial: { c: state } })).toThrow(/initial: expected one of "h"/);
    expectTypeOf(recurrent({ cell: own, ...sizes }).stateShapes(1).slow).toEqualTypeOf<readonly number[]>();

    // Names that are only known when the program runs are no error.
    expectTypeOf(layers).toEqualTypeOf<Recurrent[]>();
    for (const layer of layers) {
      const names = layer.options.cell.states.map(({ name }) => name);
      const initial = Object.fromEntries(names.map((name) => [name, state]));
      expect(Object.keys(layer.forward(x, { initial }).final)).toEqual(names);
    }
    expect(() => gated.forward(x, { initial: Object.fromEntries([["h", state]]) })).not.toThrow();
    expectTypeOf(recurrent({ cell: Math.random() < 2 ? gru() : lstm(), ...sizes })).toEqualTypeOf<Recurrent<"h">>();
  });

  test("language models, by what is said of their cell", () => {
    expectTypeOf(languageModel(small)).toEqualTypeOf<LanguageModel<"h" | "c">>();
    expectTypeOf(languageModel({ ...small, cell: "gru" })).toEqualTypeOf<LanguageModel<"h">>();
    expectTypeOf(languageModel({ ...small, cell: own })).toEqualTypeOf<LanguageModel<"fast" | "slow">>();
    expectTypeOf(languageModel({ ...small, cell: { name: "min-gru" } })).toEqualTypeOf<LanguageModel<"h">>();
    const said: string = "gru";
    expectTypeOf(languageModel({ ...small, cell: said })).toEqualTypeOf<LanguageModel>();
    const options: LanguageModelOptions = small;
    expectTypeOf(languageModel(options)).toEqualTypeOf<LanguageModel>();
    const models = [languageModel({ ...small, cell: "gru" }), languageModel(small)];
    // Both have h; what is done with that is done with any of them.
    const withH: readonly LanguageModel<"h">[] = models;
    expect(withH.map(({ cell }) => cell.next.h.op)).toEqual(["add", "multiply"]);
    expect(models.map((model) => Object.keys(model.stateShapes(1)))).toEqual([["h"], ["h", "c"]]);
  });
});

test("sessions, streams and traces name what they hold", async () => {
  const machine = openReference();
  const model = languageModel({ ...small, cell: "lstm" });
  const parameters = await createParameters({ machine, layout: layoutParameters(model) });
  using session = await openSession({ model, parameters, machine });
  expectTypeOf(session).toEqualTypeOf<Session<SynchronousMachine, "h" | "c">>();
  const any: Session = session;
  any.feed([1]);
  const { h, c } = await session.state();
  expectTypeOf(c).toEqualTypeOf<Numbers>();
  // @ts-expect-error: c is missing
  expect(() => session.setState({ h })).toThrow(expect.objectContaining({ code: "missing-state" }));
  using fork = await session.fork();
  fork.setState({ h, c });
  expect(await fork.state()).toEqual({ h, c });

  using streams = await openStreams({ model, parameters, machine, capacity: 2 });
  using stream = streams.session();
  await stream.setState({ h, c });
  expect((await stream.state()).c).toEqual(c);

  const { final } = await trace({ model, parameters }, { data: [1], initial: { c } });
  expectTypeOf(final).toEqualTypeOf<Readonly<Record<"h" | "c", ArrayLike<number>>>>();
  expect(Object.keys(final)).toEqual(["h", "c"]);
  // @ts-expect-error: an LSTM has no n
  await expect(trace({ model, parameters }, { data: [1], initial: { n: c } })).rejects.toThrow(/initial: expected/);
  for (const one of [parameters, machine]) one.close();
});
