import { afterEach, expect, test, vi } from "vitest";
import { openWasm } from "../../../src/compute/wasm/machine.ts";
import { compareTrials, type Trial } from "../../../src/compute/wasm/wide.ts";

afterEach(() => void vi.restoreAllMocks());

test("without relaxed SIMD the machine multiplies, then adds; who asks for more is told", async () => {
  const validate = vi.spyOn(WebAssembly, "validate").mockReturnValue(false);
  const machine = await openWasm({ threads: 1 });
  expect(machine.limits.family).toBe("portable");
  machine.close();
  await expect(openWasm({ fused: true })).rejects.toMatchObject({ code: "not-supported" });
  expect(validate).toHaveBeenCalledTimes(2);
});

test("a wide build that is right at first and wrong once it is optimised is not taken", () => {
  const narrow: Trial = { run: () => wait(0.1), results: Uint32Array.of(1, 2, 3) };
  const results = Uint32Array.of(1, 2, 3);
  let calls = 0;
  const wide: Trial = {
    results,
    run() {
      wait(0.02);
      if (++calls > 50) results[1] = 4;
    },
  };
  expect(compareTrials(narrow, wide)).toMatchObject({ wide: false, right: false });
  expect(calls).toBeGreaterThan(50);
});

function wait(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}
