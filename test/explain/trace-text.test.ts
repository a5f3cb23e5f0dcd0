import { expect, test } from "vitest";
import { traceText } from "../../src/explain/trace-text.ts";
import { openSession } from "../../src/run/session.ts";
import { difference } from "../support/difference.ts";
import { describeOnMachines } from "../support/machines.ts";
import { partsOf, tinyRun } from "../support/tiny-run.ts";

describeOnMachines("traceText", (on) => {
  test("shows every named value of every layer, and the states are those of a session", async () => {
    const run = await tinyRun(on.machine, { numLayers: 2 });
    const text = "ab c";
    const trace = await traceText({ ...partsOf(run), machine: on.machine, text });
    expect(trace.tokens).toEqual(["a", "b", " ", "c"]);
    expect(trace.layers).toEqual(["l0", "l1"]);
    expect(trace.names).toEqual(["i", "f", "g", "o", "c", "h"]);
    expect(Object.keys(trace.values)).toHaveLength(12);
    const session = await openSession({ ...partsOf(run), machine: on.machine });
    for (const [t, token] of run.tokenizer.encode(text).entries()) {
      session.feed([token]);
      const { h, c } = await session.state();
      for (const [name, state] of [["h", h!] as const, ["c", c!] as const])
        for (const layer of [0, 1]) {
          const { shape, data } = trace.values[`${name}_l${layer}`]!;
          expect(shape).toEqual([4, 1, 6]);
          const row = data.slice(t * 6, t * 6 + 6);
          expect(difference(row, state.slice(layer * 6, layer * 6 + 6))).toBeLessThan(on.outputs);
        }
    }
    // c = f ⊙ c′ + i ⊙ g, h = o ⊙ tanh(c), as the equations say.
    const at = (name: string, k: number) => trace.values[`${name}_l1`]!.data[k]!;
    for (let k = 6; k < 24; k++) {
      expect(at("c", k)).toBeCloseTo(at("f", k) * at("c", k - 6) + at("i", k) * at("g", k), 5);
      expect(at("h", k)).toBeCloseTo(at("o", k) * Math.tanh(at("c", k)), 5);
    }
    session.close();
    run.parameters.close();
  });

  test("shows only what was asked for, and refuses what there is not", async () => {
    const run = await tinyRun(on.machine, { cell: "gru" });
    const some = await traceText({ ...partsOf(run), machine: on.machine, text: "a", names: ["z"] });
    expect(Object.keys(some.values)).toEqual(["z_l0"]);
    const trace = (options: object) => traceText({ ...partsOf(run), machine: on.machine, text: "a", ...options });
    await expect(trace({ names: ["f"] })).rejects.toMatchObject({ code: "unknown-choice" });
    await expect(trace({ text: "" })).rejects.toMatchObject({ code: "no-tokens" });
    await expect(trace({ text: "?" })).rejects.toMatchObject({ code: "unknown-token" });
    run.parameters.close();
  });
});
