import { afterEach, expect, test, vi } from "vitest";
import { waitsAfter } from "../../../src/compute/wasm/upper-halves.ts";

afterEach(() => vi.restoreAllMocks());

/** A processor on which `exp` takes `slow` nanoseconds after a kernel, until the host's vector code has run, and 6 otherwise. */
function processor(slow: number, disturbed: (kernels: number) => boolean = () => false) {
  let [time, used, kernels] = [0, false, 0];
  const exp = Math.exp;
  vi.spyOn(Math, "exp").mockImplementation((x) => {
    time += used ? slow : 6;
    return exp(x);
  });
  vi.spyOn(TextDecoder.prototype, "decode").mockImplementation(() => {
    [time, used] = [time + 60, false];
    return "";
  });
  const kernel = (): void => {
    [time, used] = [time + 500, true];
    if (disturbed(++kernels)) time += 1e5;
  };
  return { kernel, now: () => time };
}

test.each([
  ["waits", 120, true],
  ["does not wait", 6, false],
])("a processor that %s is told apart", (_, slow, waits) => {
  const { kernel, now } = processor(slow);
  expect(waitsAfter(kernel, now)).toBe(waits);
});

test.each([120, 6])("also where other programs hold up every third measurement (%d ns)", (slow) => {
  const { kernel, now } = processor(slow, (kernels) => kernels % 3 === 0);
  expect(waitsAfter(kernel, now)).toBe(slow > 6);
});
