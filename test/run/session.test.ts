import { expect, test } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { openSession } from "../../src/run/session.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { difference } from "../support/difference.ts";
import { describeOnMachines } from "../support/machines.ts";
import { partsOf, type TinyRun, tinyRun } from "../support/tiny-run.ts";

const options = { numLayers: 2, cell: "lstm" } as const;
const sequence = [0, 3, 1, 4, 2, 2, 0];

/** Logits [T, V] of a sequence in one go. */
async function atOnce(machine: SynchronousMachine, { model, parameters }: TinyRun): Promise<ArrayLike<number>> {
  const graph = new Graph({ machine, parameters: parameters.layout });
  const tokens = graph.input("tokens", [sequence.length, 1], { type: "int" });
  graph.output("logits", model.forward(tokens).logits);
  const executable = await compile(graph, { machine, arenas: parameters.arenas });
  executable.write("tokens", sequence);
  executable.run();
  const logits = await executable.read("logits");
  executable.close();
  return logits;
}

describeOnMachines("a session", (on) => {
  test("says that its machine was closed, not an arena of it", async () => {
    const machine = await openMachine(on.name);
    const { model, parameters } = await tinyRun(machine, options);
    const session = await openSession({ model, parameters, machine });
    session.feed([1]);
    machine.close();
    expect(() => session.feed([1])).toThrow(/the machine was closed.*openMachine/);
    await expect((async () => session.state())()).rejects.toThrow(/the machine was closed/);
    session.close();
    parameters.close();
  });

  test("says step by step what the model says in one go, by step and by next", async () => {
    const run = await tinyRun(on.machine, options);
    const expected = await atOnce(on.machine, run);
    const session = await openSession({ ...partsOf(run), machine: on.machine });
    const found: number[] = [];
    const logits = new Float64Array(5);
    sequence.forEach((token, t) => {
      if (t % 2 === 0) session.step([token], logits);
    });
    session.reset();
    for (const [t, token] of sequence.entries()) {
      if (t % 2 === 0) session.step([token], logits);
      found.push(...(t % 2 === 0 ? logits : await session.next([token])));
    }
    expect(difference(found, expected)).toBeLessThan(on.outputs);
    session.close();
    run.parameters.close();
  });

  test("keeps its state, hands it out and takes it back, and forks", async () => {
    const run = await tinyRun(on.machine, options);
    const session = await openSession({ ...partsOf(run), machine: on.machine, batchSize: 2 });
    await session.next([1, 2]);
    const before = await session.state();
    expect(Object.keys(before)).toEqual(["h", "c"]);
    expect(before.h).toHaveLength(2 * 2 * 6);
    const fork = await session.fork();
    const a = await session.next([3, 4]);
    expect(await fork.next([3, 4])).toEqual(a);
    expect(await session.next([3, 4])).not.toEqual(a);
    session.setState(before);
    expect(await session.next([3, 4])).toEqual(a);
    session.reset();
    expect((await session.state()).c!.every((value) => value === 0)).toBe(true);
    // The fork is another one: resetting this left it alone.
    expect((await fork.state()).c!.every((value) => value === 0)).toBe(false);
    for (const one of [session, fork]) one.close();
    run.parameters.close();
  });

  test("rows of a batch know nothing of each other", async () => {
    const run = await tinyRun(on.machine, options);
    const two = await openSession({ ...partsOf(run), machine: on.machine, batchSize: 2 });
    const one = await openSession({ ...partsOf(run), machine: on.machine });
    for (const token of sequence) {
      const both = await two.next([token, 4 - token]);
      expect(both.slice(0, 5)).toEqual(await one.next([token]));
    }
    for (const session of [one, two]) session.close();
    run.parameters.close();
  });

  test("refuses what is no token of the model, and a state that does not fit", async () => {
    const run = await tinyRun(on.machine, options);
    const session = await openSession({ ...partsOf(run), machine: on.machine });
    const logits = new Float32Array(5);
    for (const token of [-1, 5, 0.5, Number.NaN])
      expect(() => session.step([token], logits)).toThrow(expect.objectContaining({ code: "out-of-range" }));
    expect(() => session.step([1, 2], logits)).toThrow(/expected an array of 1, .* got an array of 2/);
    expect(() => session.step([], logits)).toThrow(/got an array of 0/);
    expect(() => session.step(undefined as never, logits)).toThrow(/got nothing/);
    expect(() => session.step([1], new Float32Array(4))).toThrow(/shape \[1, 1, 5\].* got 4/);
    expect(() => session.setState({ h: new Float32Array(12) })).toThrow(/expected h, c, c missing/);
    expect(() => session.setState({ h: [1], c: new Float32Array(12) })).toThrow(/12 numbers; got 1/);
    expect(() => session.setState({ h: new Float32Array(12), c: new Float32Array(12), x: [] })).toThrow(/no state "x"/);
    const before = await session.state();
    const ones = new Float32Array(12).fill(1);
    expect(() => session.setState({ h: ones, c: [1] })).toThrow(/12 numbers; got 1/);
    // JSON has no NaN: it becomes null, which would count as 0.
    const lost = JSON.parse(JSON.stringify({ h: Array.from(ones), c: [...ones.slice(1), Number.NaN] }));
    expect(() => session.setState(lost)).toThrow(/state "c": expected finite numbers, .* got null at \[1, 0, 5\]/);
    expect(await session.state()).toEqual(before);
    const kept = JSON.parse(JSON.stringify(await session.state()));
    expect(() => session.setState(kept)).toThrow(/12 numbers; got an object .*JSON makes such of a typed array/);
    session.close();
    expect(() => session.step([1], logits)).toThrow("this session or executable was closed");
    await expect(openSession({ ...partsOf(run), machine: on.machine, batchSize: 0 })).rejects.toMatchObject({
      code: "out-of-range",
    });
    const other = await openMachine("reference");
    await expect(openSession({ ...partsOf(run), machine: other })).rejects.toMatchObject({
      code: "wrong-machine",
      message: "parameters: they are on another machine than the one given",
    });
    run.parameters.close();
  });
});
