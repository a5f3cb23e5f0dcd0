import { describe, expect, test, vi } from "vitest";
import type { Cell } from "../../src/cells/define.ts";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import type { Machine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { readArrays, writeArrays } from "../../src/formats/named-arrays.ts";
import { GraphWriter } from "../../src/formats/onnx/graph-writer.ts";
import { openOnnx } from "../../src/formats/onnx/program.ts";
import { statePairs } from "../../src/formats/onnx/states.ts";
import { writeOnnx } from "../../src/formats/onnx/write.ts";
import { readModel } from "../../src/formats/read-model.ts";
import { compareModels } from "../../src/formats/verify.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { meanSquaredError } from "../../src/losses/mean-squared-error.ts";
import { sgd } from "../../src/optimizers/sgd.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { openTrainingStep } from "../../src/train/step.ts";
import { difference } from "../support/difference.ts";
import { describeOnMachines } from "../support/machines.ts";

const [T, B, D, H] = [3, 2, 3, 4];
const numbers = (count: number, name: string) =>
  Float32Array.from(new RandomStream(5, name).uniform(count), (u) => u - 0.5);

async function twoLayers(machine: Machine, cell: Cell = lstm()) {
  const layer = recurrent({ cell, inputSize: D, hiddenSize: H, numLayers: 2 });
  const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed: 3 });
  const program = openOnnx(writeOnnx(layer, await parameters.toTensors()), { machine });
  return { layer, parameters, program };
}
const input = { shape: [T, B, D], data: numbers(T * B * D, "x") };
const zeros = { shape: [2, B, H], data: new Float32Array(2 * B * H) };

describeOnMachines("programs", (m) => {
  test("a stream of steps gives what the whole sequence gives, and states go out and in", async () => {
    const { program } = await twoLayers(m.machine);
    expect(program.states).toEqual([
      { input: "h", output: "h_out" },
      { input: "c", output: "c_out" },
    ]);
    const whole = await program.run({ input, h: zeros, c: zeros });
    using session = await program.openSession({ batchSize: B });
    expect(session.inputs.map((port) => port.name)).toEqual(["input"]);
    const step = (t: number) => ({ input: { shape: [1, B, D], data: input.data.slice(t * B * D, (t + 1) * B * D) } });
    const outputs: number[] = [];
    for (let t = 0; t < T; t++) {
      const result = await session.next(step(t));
      expect(Object.keys(result)).toEqual(["output"]);
      outputs.push(...Array.from(result.output!.data));
    }
    expect(difference(outputs, whole.output!.data)).toBeLessThanOrEqual(m.outputs);
    const state = await session.state();
    expect(difference(state.c!.data, whole.c_out!.data)).toBeLessThanOrEqual(m.outputs);
    const other = await session.fork();
    const next = await session.next(step(0));
    expect((await other.next(step(0))).output!.data).toEqual(next.output!.data);
    session.reset();
    const again = await session.next(step(0));
    expect(difference(again.output!.data, outputs.slice(0, B * H))).toBeLessThanOrEqual(1e-12);
    session.setState(state);
    expect((await session.next(step(0))).output!.data).toEqual(next.output!.data);
    expect(() => session.setState({ h: zeros })).toThrow(/c missing/);
    session.setState(await readArrays(writeArrays("state.npz", state)));
    expect(await session.state()).toEqual(state);
    const asJson = JSON.parse(JSON.stringify(state));
    expect(() => session.setState(asJson)).toThrow(/JSON makes such of a typed array/);
    expect(() => session.setState({ h: zeros, c: [0] as never })).toThrow(/as { shape, data }, got 1/);
    await expect(session.next({ input: new Float32Array(6) as never })).rejects.toMatchObject({ name: "UsageError" });
    expect(() => session.setState({ h: zeros, c: { shape: [1], data: [0] } })).toThrow(/expected shape \[2, 2, 4\]/);
    program.close();
  });

  test("a number that is not finite is refused with its place, and the state is as it was", async () => {
    const { program } = await twoLayers(m.machine);
    using session = await program.openSession({ batchSize: B });
    await session.next({ input });
    const state = await session.state();
    for (const wrong of [Number.NaN, Number.NEGATIVE_INFINITY, null as never]) {
      const data = Array.from(input.data);
      data[(1 * B + 1) * D + 2] = wrong;
      await expect(session.next({ input: { shape: [T, B, D], data } })).rejects.toMatchObject({
        ...{ name: "UsageError", code: "not-a-number" },
        message: expect.stringContaining(`got ${wrong} at [1, 1, 2] of [time, batch, ${D}]`),
      });
      const c = { shape: state.c!.shape, data: [...state.c!.data.slice(1), wrong] };
      expect(() => session.setState({ h: state.h!, c })).toThrow(/state "c": .* at \[1, 1, 3\]/);
    }
    expect(await session.state()).toEqual(state);
    program.close();
  });

  test("sessions of one batch size share one plan, and each has its own state", async () => {
    const { program } = await twoLayers(m.machine);
    const prepare = vi.spyOn(m.machine, "prepare");
    const step = (t: number) => ({ input: { shape: [1, B, D], data: numbers(B * D, `step ${t}`) } });
    const alone = async (steps: readonly number[]) => {
      const session = await program.openSession({ batchSize: B });
      let last: Awaited<ReturnType<typeof session.next>> = {};
      for (const t of steps) last = await session.next(step(t));
      const state = await session.state();
      session.close();
      return { output: last.output!.data, state };
    };
    const [left, right] = [await alone([0, 1, 2]), await alone([3, 4])];
    expect(prepare).toHaveBeenCalledTimes(1);

    const a = await program.openSession({ batchSize: B });
    const b = await program.openSession({ batchSize: B });
    // All asked for at once: they go one after the other, each from its own state.
    const [, , , lastOfB, lastOfA] = await Promise.all([
      ...[a.next(step(0)), b.next(step(3)), a.next(step(1)), b.next(step(4)), a.next(step(2))],
    ]);
    expect(lastOfA!.output!.data).toEqual(left.output);
    expect(lastOfB!.output!.data).toEqual(right.output);
    expect(await a.state()).toEqual(left.state);
    expect(await b.state()).toEqual(right.state);
    // A copy, a state that is set and one that is reset, of the one that ran last and of the other.
    const c = await b.fork();
    b.reset();
    a.reset();
    a.setState(right.state);
    const [next, ofA, ofC] = [await b.next(step(3)), await a.next(step(5)), await c.next(step(5))];
    expect(next.output!.data).not.toEqual(right.output);
    expect((await b.next(step(4))).output!.data).toEqual(right.output);
    expect(ofA.output!.data).toEqual(ofC.output!.data);
    // Set while its state is on the way to the machine: what was set last holds.
    const under = a.next(step(5));
    const waiting = b.next(step(4));
    b.reset();
    await Promise.all([under, waiting]);
    const fresh = await program.openSession({ batchSize: B });
    expect(await b.state()).toEqual(await fresh.next(step(4)).then(() => fresh.state()));
    expect(prepare).toHaveBeenCalledTimes(1);

    // Closed ones are forgotten; the plans go with the last when another size is asked for.
    a.close();
    await expect(a.next(step(0))).rejects.toMatchObject({ code: "closed" });
    expect(() => a.reset()).toThrow(expect.objectContaining({ code: "closed" }));
    for (const one of [a, b, c, fresh]) one.close();
    const single = await program.openSession();
    await single.next({ input: { shape: [1, 1, D], data: numbers(D, "one") } });
    expect(prepare).toHaveBeenCalledTimes(2);
    expect(await alone([0, 1, 2])).toEqual(left);
    expect(prepare).toHaveBeenCalledTimes(3);
    prepare.mockRestore();
    program.close();
  });

  test("at least one plan is kept", async () => {
    const { machine } = m;
    const layer = recurrent({ cell: gru(), inputSize: D, hiddenSize: H });
    const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed: 3 });
    const file = writeOnnx(layer, await parameters.toTensors());
    expect(() => openOnnx(file, { machine, plans: 0 })).toThrow(/plans: expected a whole number of at least 1/);
  });

  test("traces hold every gate and state of every layer", async () => {
    const { program } = await twoLayers(m.machine);
    const { outputs, values } = await program.trace({ input, h: zeros, c: zeros });
    const names = ["i", "f", "g", "o", "c", "h"].flatMap((name) => [`Y_l0.${name}`, `Y_l1.${name}`]);
    expect(Object.keys(values)).toEqual(expect.arrayContaining(names));
    expect(values["Y_l1.h"]!.data).toEqual(outputs.output!.data);
    const [c, o] = [values["Y_l0.c"]!, values["Y_l0.o"]!];
    expect(c.shape).toEqual([T, B, H]);
    const h = Array.from(c.data, (value, k) => o.data[k]! * Math.tanh(value));
    expect(difference(values["Y_l0.h"]!.data, h)).toBeLessThanOrEqual(m.outputs);
    program.close();
  });

  test.each([["lstm", lstm()] as const, ["gru", gru()] as const])(
    "an imported %s learns as the layer it was written from, and runs with what it has learned",
    async (_, cell) => {
      const { layer, parameters, program } = await twoLayers(m.machine, cell);
      const target = numbers(T * B * H, "target");
      const states = Object.fromEntries(cell.states.map(({ name }) => [name, zeros]));
      const losses = { ours: [] as number[], imported: [] as number[] };
      const ours = await openTrainingStep({
        ...{ machine: m.machine, parameters, optimizer: sgd() },
        record: (graph) => ({
          loss: meanSquaredError(layer.forward(graph.input("x", input.shape)).output, graph.input("y", [T, B, H])),
        }),
      });
      const imported = await openTrainingStep({
        ...{ machine: m.machine, parameters: program.parameters, optimizer: sgd() },
        record: (graph) => ({
          loss: meanSquaredError(
            program.forward(graph, { input: graph.input("x", input.shape), ...states }).output!,
            graph.input("y", [T, B, H]),
          ),
        }),
      });
      for (let step = 1; step <= 5; step++)
        for (const [name, training] of [["ours", ours] as const, ["imported", imported] as const]) {
          training.executable.write("x", input.data);
          training.executable.write("y", target);
          training.run(step, 0.5);
          losses[name].push((await training.read()).lossSum);
        }
      expect(losses.ours[4]).toBeLessThan(losses.ours[0]! * 0.95);
      expect(difference(losses.imported, losses.ours)).toBeLessThanOrEqual(m.gradients);
      const result = await program.run({ input, ...states });
      const error = target.reduce((sum, y, k) => sum + (result.output!.data[k]! - y) ** 2, 0) / target.length;
      expect(error).toBeLessThan(losses.imported[4]!);
      for (const training of [ours, imported]) training.close();
      program.close();
      parameters.close();
    },
  );
});

describe("edges", () => {
  test("nothing in place of inputs is said, in every call", async () => {
    const machine = await openMachine("reference");
    const { program } = await twoLayers(machine);
    const session = await program.openSession();
    const missing = { code: "missing-input", message: expect.stringContaining("got nothing; the model reads input") };
    const none = undefined as never;
    for (const call of [() => program.run(none), () => session.next(none), () => compareModels(program, program, none)])
      await expect(call()).rejects.toMatchObject(missing);
    machine.close();
  });

  test("JSON that is no model is said to be none, in letters of any alphabet", async () => {
    const json = new TextEncoder().encode('{"größe": 1}');
    await expect(readModel(json)).rejects.toMatchObject({
      code: "unknown-format",
      message: expect.stringContaining("neither TensorFlow.js"),
    });
  });

  test("empty values are joined", async () => {
    const graph = new GraphWriter();
    for (const name of ["a", "b"]) graph.input(name, "float32", [name, 2]);
    graph.output("c", "float32");
    graph.node("Concat", ["a", "b"], ["c"], { axis: 0 });
    const machine = await openMachine("reference");
    const program = openOnnx(graph.finish("empty"), { machine });
    const rows = (n: number) => ({ shape: [n, 2], data: new Float32Array(2 * n).fill(n) });
    for (const [a, b] of [
      [1, 2],
      [0, 2],
      [0, 0],
    ] as const) {
      const { c } = await program.run({ a: rows(a), b: rows(b) });
      expect([c!.shape, c!.data.length]).toEqual([[a + b, 2], 2 * (a + b)]);
    }
    machine.close();
  });
});

describe("what cannot be trained", () => {
  test("an operator without a gradient is named", async () => {
    const graph = new GraphWriter();
    graph.input("x", "float32", [2]);
    graph.float("w", { shape: [2], data: [1.5, 2.5] });
    graph.node("Mul", ["x", "w"], ["product"]);
    graph.node("Cast", ["product"], ["whole"], { to: 6 });
    graph.node("Cast", ["whole"], ["y"], { to: 1 });
    graph.output("y", "float32", [2]);
    const machine = await openMachine("reference");
    const program = openOnnx(graph.finish("rounding"), { machine });
    expect(Array.from((await program.run({ x: { shape: [2], data: [1, -1] } })).y!.data)).toEqual([1, -2]);
    const options = { machine, parameters: program.parameters, optimizer: sgd() };
    await expect(
      openTrainingStep({
        ...options,
        record: (g) => {
          const { y } = program.forward(g, { x: g.input("x", [2]) });
          return { loss: meanSquaredError(y!, g.constant([2], [0, 0])) };
        },
      }),
    ).rejects.toThrow(/node "whole" \(Cast\): the model cannot be trained further/);
    machine.close();
  });
});

describe("states are found by names and shapes", () => {
  const port = (name: string, ...shape: (number | string)[]) => ({ name, type: "float32" as const, shape });
  test.each([
    [
      "silero",
      [port("input", "batch", "n"), port("state", 2, "batch", 128)],
      [port("output", "batch", 1), port("stateN", 2, "b", "c")],
      [["state", "stateN"]],
    ],
    [
      "h0 and hn",
      [port("x", 1), port("h0", 1, 2), port("c0", 1, 2)],
      [port("y", 1), port("hn", 1, 2), port("cn", 1, 2)],
      [
        ["h0", "hn"],
        ["c0", "cn"],
      ],
    ],
    [
      "one of one shape",
      [port("input_2", 1, 1, 257), port("input_3", 1, 2, 128, 2)],
      [port("a", 1, 1, 257), port("b", 1, 2, 128, 2)],
      [["input_3", "b"]],
    ],
    [
      "two of one shape stay free",
      [port("x", 3), port("a", 2), port("b", 2)],
      [port("y", 3), port("p", 2), port("q", 2)],
      [],
    ],
    ["an autoencoder has none", [port("x", 3)], [port("y", 3)], []],
  ] as const)("%s", (_, inputs, outputs, expected) => {
    expect(statePairs(inputs, outputs)).toEqual(expected.map(([input, output]) => ({ input, output })));
  });
});
