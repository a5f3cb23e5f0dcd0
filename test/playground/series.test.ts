import { expect, test, vi } from "vitest";
import { seriesOf } from "../../playground/src/sequence/series.ts";
import { seriesPad } from "../../playground/src/views/series-pad.ts";

vi.hoisted(() => {
  Object.defineProperty(globalThis, "navigator", { value: { language: "en" }, configurable: true });
});

test("a series is what is typed or dropped: all numbers of one channel, or rows of a table below the names of its columns", () => {
  expect(Array.from(seriesOf("1, 2;3\t-4\r\n\n5e-1", 1))).toEqual([1, 2, 3, -4, 0.5]);
  expect(Array.from(seriesOf("x,y\n1,2\n3,4\n", 2))).toEqual([1, 2, 3, 4]);
  for (const [text, said] of [
    ["", /first/],
    ["x y", /“x”/],
    ["1 2\n3 a", /“a”/],
    ["1 1e39", /“1e39”/],
    ["1 2\n3", /2 numbers a step.*line of 1/],
  ] as const)
    expect(() => seriesOf(text, 2), text).toThrow(said);
});

/** A pad on which a step is as wide as a pixel, and its last value as it was given away. */
function pad(values: readonly number[]) {
  const done = vi.fn<(values: readonly number[]) => void>();
  const update = vi.fn();
  const currentTarget = {
    setPointerCapture: vi.fn(),
    getBoundingClientRect: () => ({ left: 10, top: 20, width: 159, height: 100 }),
  };
  const send = (which: number, step = 0, value = 0): void => {
    // A page draws it anew after every change.
    const { values: parts } = seriesPad(values, done, update);
    const handler = parts.filter((part) => typeof part === "function")[which] as unknown as (event: object) => void;
    handler({ pointerId: 3, clientX: 10 + step, clientY: 20 + 50 * (1 - value), currentTarget });
  };
  const path = (): string => {
    const line = seriesPad(values, done, update).values.at(-1) as { readonly values: readonly unknown[] } | "";
    return line === "" ? "" : String(line.values[0]);
  };
  return { done, update, currentTarget, path, down: 0, move: 1, up: 2, cancel: 3, send };
}

test("a line on the pad takes the place of what was there, between the points that the pointer was at", () => {
  const { done, update, currentTarget, send, down, move, up, cancel } = pad([0, 2]);
  for (const [end, to] of [
    [up, 50],
    [cancel, 30],
  ] as const) {
    send(move, 90, 1);
    send(end);
    expect(done).not.toHaveBeenCalled();
    send(down, 40, 0.5);
    expect(currentTarget.setPointerCapture).toHaveBeenLastCalledWith(3);
    send(move, to, -0.5);
    // Beyond its edges it ends at them.
    send(move, 170, -7);
    send(end);
    const [drawn] = done.mock.calls[0]!;
    expect(drawn).toHaveLength(160);
    // What is gone over twice is as it was last; the rest is as it was.
    const between = (t: number, [a, v]: [number, number], [b, w]: [number, number]) =>
      v + ((w - v) * (t - a)) / (b - a);
    const expected = (t: number): number => {
      if (t >= to) return between(t, [to, -0.5], [159, -1]);
      return t >= 40 ? between(t, [40, 0.5], [to, -0.5]) : 0;
    };
    for (const [t, v] of drawn.entries()) expect(v, `${t}`).toBeCloseTo(expected(t), 9);
    expect(update).toHaveBeenCalled();
    send(end);
    expect(done).toHaveBeenCalledOnce();
    done.mockClear();
  }
});

test("what is on the pad is drawn from edge to edge by its own largest number, what is drawn on by one", () => {
  const { path, send, done, down, up } = pad([0, 2, -2]);
  expect(path()).toBe("0.0 65.0L320.0 8.0L640.0 122.0");
  send(down, 0, 1);
  expect(path().startsWith("0.0 8.0L")).toBe(true);
  expect(path().endsWith("L640.0 122.0")).toBe(true);
  send(up);
  // Each step has the nearest of what was there.
  const [drawn] = done.mock.calls[0]!;
  expect([1, 39, 40, 119, 120, 159].map((t) => drawn[t])).toEqual([0, 0, 1, 1, -1, -1]);
  expect(pad([]).path()).toBe("");
});
