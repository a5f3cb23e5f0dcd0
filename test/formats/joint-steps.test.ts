import { expect, test, vi } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { GraphWriter } from "../../src/formats/onnx/graph-writer.ts";
import { openOnnx } from "../../src/formats/onnx/program.ts";
import { writeOnnx } from "../../src/formats/onnx/write.ts";
import { openNetwork } from "../../src/formats/open-network.ts";
import type { Program } from "../../src/formats/program.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { describeOnMachines } from "../support/machines.ts";
import { chainOf, recurrentSpec } from "./networks.ts";

const [D, H, V] = [3, 5, 7];
const numbers = (count: number, name: string) =>
  Float32Array.from(new RandomStream(5, name).uniform(count), (u) => u - 0.5);

describeOnMachines("sessions that take their steps together", (m) => {
  /** [T, B, D] and states [L, B, H], as ONNX has them. */
  async function graph(): Promise<Program> {
    const layer = recurrent({ cell: gru(), inputSize: D, hiddenSize: H, numLayers: 2 });
    const parameters = await createParameters({ machine: m.machine, layout: layoutParameters(layer), seed: 3 });
    return openOnnx(writeOnnx(layer, await parameters.toTensors()), { machine: m.machine });
  }
  /** [B, T] tokens and states [B, H], as Keras has them. */
  const network = (): Program =>
    openNetwork(
      chainOf(
        [
          { kind: "embedding", vocabularySize: V, embeddingSize: D, maskZero: false },
          recurrentSpec({ cell: { name: "lstm" }, inputSize: D, hiddenSize: H }),
        ],
        { tokens: true },
      ),
      { machine: m.machine },
    );
  const piece = (user: number, t: number, steps = 1) => ({
    input: { shape: [steps, 1, D], data: numbers(steps * D, `${user} at ${t}`) },
  });
  const word = (user: number, t: number) => ({ input: { shape: [1, 1], data: [(3 * user + 5 * t) % V] } });

  test.each([
    ["a graph of ONNX", graph, piece],
    ["a network of layers", network, word],
  ] as const)(
    "%s: users of different ages get the bits that they would get alone, in few runs",
    async (_, open, of) => {
      using program = await open();
      const run = vi.spyOn(m.machine, "run");
      const begins = [0, 0, 1, 3, 3];
      const last = 5;
      const follow = (together: boolean) =>
        Promise.all(
          begins.map(async (begin, user) => {
            using session = await program.openSession({ together });
            const outputs: unknown[] = [];
            for (let t = 0; t < begin; t++) await new Promise((resolve) => setImmediate(resolve));
            for (let t = begin; t < last; t++) outputs.push((await session.next(of(user, t))).output);
            return [outputs, await session.state()];
          }),
        );
      const alone = await follow(false);
      expect(run).toHaveBeenCalledTimes(begins.reduce((sum, begin) => sum + last - begin, 0));
      run.mockClear();
      expect(await follow(true)).toEqual(alone);
      expect(run.mock.calls.length).toBeLessThan(12);
      run.mockRestore();
    },
  );

  test("a state goes out, in and over to another session between joint steps", async () => {
    using program = await graph();
    const [a, b, alone] = [
      ...(await Promise.all([1, 2].map(() => program.openSession({ together: true })))),
      await program.openSession(),
    ] as const;
    await Promise.all([a!.next(piece(0, 0)), b!.next(piece(1, 0))]);
    const copy = await a!.fork();
    b!.setState(await a!.state());
    alone!.setState(await a!.state());
    const [one, two, three] = await Promise.all([a!, b!, copy].map((session) => session.next(piece(0, 1))));
    const wanted = await alone!.next(piece(0, 1));
    expect([one, two, three]).toEqual([wanted, wanted, wanted]);
    // Reset while a step waits: it begins from zero, as it would alone.
    const both = [a!.next(piece(0, 0)), b!.next(piece(0, 0))];
    a!.reset();
    alone!.reset();
    expect(await both[0]).toEqual(await alone!.next(piece(0, 0)));
    expect(await both[1]).not.toEqual(await both[0]);
  });

  test("pieces of other lengths and several of one session are answered in order, and a wrong one alone is refused", async () => {
    using program = network();
    const [a, b] = await Promise.all([1, 2].map(() => program.openSession({ together: true })));
    const alone = await program.openSession();
    const two = { input: { shape: [1, 2], data: [1, 2] } };
    const wrong = { input: { shape: [1, 1], data: [V] } };
    const answers = await Promise.allSettled([
      ...[a!.next(word(0, 0)), a!.next(two), a!.next(word(0, 1))],
      ...[b!.next(wrong), b!.next(two), b!.next({ input: { shape: [2, 1], data: [1, 1] } })],
    ]);
    const wanted = [await alone.next(word(0, 0)), await alone.next(two), await alone.next(word(0, 1))];
    alone.reset();
    expect(answers.slice(0, 3)).toEqual(wanted.map((value) => ({ status: "fulfilled", value })));
    expect(answers[3]).toMatchObject({ reason: { code: "out-of-range" } });
    expect(answers[4]).toEqual({ status: "fulfilled", value: await alone.next(two) });
    expect(answers[5]).toMatchObject({ reason: { code: "shape-mismatch" } });
    const [waiting, other] = [a!.next(word(0, 0)), b!.next(word(1, 0))];
    a!.close();
    await expect(waiting).rejects.toMatchObject({ code: "closed" });
    expect(await other).toEqual(await alone.next(word(1, 0)));
  });

  test("a model that does not say where its sequences are is refused, and one sequence a session is all there can be", async () => {
    using program = await graph();
    await expect(program.openSession({ together: true, batchSize: 2 })).rejects.toMatchObject({ code: "bad-option" });
    const writer = new GraphWriter();
    for (const name of ["x", "h"]) writer.input(name, "float32", [1, 2]);
    writer.node("Add", ["x", "h"], ["h_out"]);
    writer.output("h_out", "float32", [1, 2]);
    using fixed = openOnnx(writer.finish("fixed"), { machine: m.machine });
    await expect(fixed.openSession({ together: true })).rejects.toThrow(/state "h", \[1, 2\], does not say/);
  });
});
