import { expect, test, vi } from "vitest";
import { hasDots } from "../../../src/compute/wasm/dots.ts";
import { isFaster, quantizedWay } from "../../../src/compute/wasm/quantized-way.ts";

test("of two ways the one is taken that is shorter in most rounds, whatever else went on in the others", () => {
  let clock = 0;
  /** Takes so long, now and then much longer. */
  const taking = (time: number) => {
    let calls = 0;
    return () => {
      clock += ++calls < 30 ? 50 * time : time;
    };
  };
  expect(isFaster(taking(2), taking(3), () => clock)).toBe(true);
  expect(isFaster(taking(3), taking(2), () => clock)).toBe(false);
  expect(
    isFaster(taking(3), taking(3), () => clock),
    "no reason to change",
  ).toBe(false);
});

test("it is measured once, and not where nothing may be compiled, nor where there is no choice", () => {
  const { Module } = WebAssembly;
  const compile = (bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module => new Module(bytes);
  const compiled = vi.spyOn(WebAssembly, "Module").mockImplementation(function make(bytes) {
    return new Module(bytes as Uint8Array<ArrayBuffer>);
  });
  const times = (ask: () => unknown): number => {
    const before = compiled.mock.calls.length;
    ask();
    return compiled.mock.calls.length - before;
  };
  // Whether the host has the instruction.
  hasDots();
  hasDots(compile);
  expect(times(() => expect(quantizedWay(compile).split).toBe(hasDots()))).toBe(0);
  expect(times(() => quantizedWay())).toBe(hasDots() ? 2 : 0);
  expect(times(() => quantizedWay())).toBe(0);
  if (!hasDots()) expect(quantizedWay()).toEqual({ split: false });
});
