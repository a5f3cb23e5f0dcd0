import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { engineFlags, hasEngineFlags } from "../../scripts/flags.mjs";

describe("the flags for V8", () => {
  it("are accepted by the Node that runs", () => {
    expect(
      execFileSync(process.execPath, [...engineFlags(), "--eval", "process.stdout.write('started')"], {
        encoding: "utf8",
      }),
    ).toBe("started");
  });

  it("were given to the process of the tests", () => {
    expect(hasEngineFlags()).toBe(true);
  });

  it("allow relaxed SIMD, which Node 20 refuses without them", () => {
    // (func (param v128 v128 v128) (result v128) local.get 0..2, f32x4.relaxed_madd)
    const bytes = [
      ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0],
      ...[10, 13, 1, 11, 0, 32, 0, 32, 1, 32, 2, 253, 133, 2, 11],
    ];
    expect(WebAssembly.validate(new Uint8Array(bytes))).toBe(true);
    const script = `process.exit(WebAssembly.validate(new Uint8Array([${bytes}])) ? 0 : 3)`;
    const bare = spawnSync(process.execPath, ["--eval", script]).status;
    expect(bare).toBe(process.versions.node.startsWith("20.") ? 3 : 0);
  });

  it("never hold one that the engine does not know", () => {
    // Says that it is another version: what that version would get is then tried on this one, and falls away.
    const known = engineFlags({ version: "20.19.0" }).concat(engineFlags({ version: "24.0.0" }));
    for (const flag of known) expect(spawnSync(process.execPath, [flag, "--eval", "0"]).status).toBe(0);
    expect(engineFlags({ version: "22.0.0" })).toEqual([]);
  });
});
