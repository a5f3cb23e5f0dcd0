import { expect, test } from "vitest";
import { overTurningSteps } from "../../../src/compute/wasm/scan-memory.ts";
import type { FunctionBuilder, ModuleBuilder } from "../../../src/print/wasm/assembler.ts";
import type { Code } from "../../../src/print/wasm/code.ts";
import { i32 } from "../../../src/print/wasm/instructions.ts";
import { sweep } from "../../../src/print/wasm/sweep.ts";
import { instantiate } from "./instantiate.ts";

/** A function that returns the numbers which `print` notes. */
function noting(print: (m: ModuleBuilder, f: FunctionBuilder, note: (value: Code) => Code) => Code): () => number[] {
  const instance = instantiate((m) => {
    m.func({ name: "run", params: [], results: ["i32"] }, (f) => {
      const at = f.local("i32");
      const note = (value: Code): Code => [i32.store(at.get, value), at.set(i32.add(at.get, i32.const(4)))];
      return [print(m, f, note), at.get];
    });
  });
  return () => [...instance.words.slice(0, instance.call("run") / 4)];
}

/** The panels of a sweep, some together or with the one that comes next, run after run. */
const swept = (from: number, to: number, turns = true): (() => number[]) =>
  noting((m, f, note) => [
    sweep(m, f, { from: i32.const(from), to: i32.const(to), turns, together: 3 }, ({ panel, count, next }) => [
      note(panel.get),
      note(count === 1 ? next : i32.const(-count)),
    ]),
    m.turn,
  ]);

test("panels are taken some at a time, then one by one; the next time from the other end", () => {
  const run = swept(2, 10);
  const [there, back] = [
    [2, -3, 5, -3, 8, 9, 9, 9],
    [7, -3, 4, -3, 3, 2, 2, 2],
  ];
  expect([run(), run(), run()]).toEqual([there, back, there]);
  const few = swept(4, 6);
  expect([few(), few()]).toEqual([
    [4, 5, 5, 5],
    [5, 4, 4, 4],
  ]);
  const [none, exact, straight] = [swept(3, 3), swept(0, 3), swept(0, 2, false)];
  expect([none(), none()]).toEqual([[], []]);
  expect([exact(), exact()]).toEqual([
    [0, -3],
    [0, -3],
  ]);
  expect(straight()).toEqual(straight());
});

test.each([1, 2, 3, 4])("%d steps turn around one after the other and leave the direction as it was", (steps) => {
  const shape = { steps, reverse: false } as Parameters<typeof overTurningSteps>[1];
  const run = noting((m, f, note) => [
    overTurningSteps(m, shape, f.local("i32"), false, note(m.turned)),
    note(m.turned),
  ]);
  expect(run()).toEqual([...Array.from({ length: steps }, (_, t) => t % 2), 0]);
});
