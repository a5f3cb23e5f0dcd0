import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lstm } from "../../src/cells/lstm.ts";
import { openMachine } from "../../src/compute/open.ts";
import { readArrays } from "../../src/formats/named-arrays.ts";
import { readNpz } from "../../src/formats/npz.ts";
import { writeOnnx } from "../../src/formats/onnx/write.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { difference } from "../support/difference.ts";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-models-"));
const file = (name: string): string => join(folder, name);
const steps = [[[0.5, -1]], [[1, 0.25]], [[-0.75, 2]]];

beforeAll(async () => {
  const machine = await openMachine("reference");
  const layer = recurrent({ cell: lstm(), inputSize: 2, hiddenSize: 3 });
  const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed: 1 });
  writeFileSync(file("lstm.onnx"), writeOnnx(layer, await parameters.toTensors()));
  writeFileSync(file("all.json"), JSON.stringify({ input: steps }));
  writeFileSync(file("first.json"), JSON.stringify({ input: { shape: [2, 1, 2], data: steps.slice(0, 2).flat(2) } }));
  writeFileSync(file("second.json"), JSON.stringify({ input: steps.slice(2) }));
  machine.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("run", () => {
  test("writes named arrays, and carries the state from call to call", async () => {
    const whole = await longshort([
      "run",
      file("lstm.onnx"),
      "--inputs",
      file("all.json"),
      "--outputs",
      file("all.npz"),
    ]);
    expect(whole.stderr).toBe("");
    expect(whole).toMatchObject({ code: 0, stdout: expect.stringContaining("output: float32 [3, 1, 3]\n") });
    const all = await readNpz(file("all.npz"));
    expect([...all.keys()]).toEqual(["output", "h_out", "c_out"]);
    const state = ["--state", file("state.npz")];
    for (const part of ["first", "second"]) {
      const call = [
        "run",
        file("lstm.onnx"),
        "--inputs",
        file(`${part}.json`),
        "--outputs",
        file("part.json"),
        ...state,
      ];
      expect(await longshort(call)).toMatchObject({ code: 0 });
    }
    const part = await readArrays(file("part.json"));
    expect(Object.keys(part)).toEqual(["output"]);
    expect(difference(part.output!.data, all.get("output")!.toFloat64().slice(6))).toBeLessThanOrEqual(1e-6);
    const carried = await readNpz(file("state.npz"));
    expect(difference(carried.get("c")!.toFloat64(), all.get("c_out")!.toFloat64())).toBeLessThanOrEqual(1e-6);
  });

  test("--json prints the numbers", async () => {
    const { stdout } = await longshort(["run", file("lstm.onnx"), "--inputs", file("all.json"), "--json"]);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ type: "output", name: "output", shape: [3, 1, 3] });
    expect(lines[0].data).toHaveLength(9);
  });

  test.each([
    [["run", "nowhere.onnx", "--inputs", "x.json"], 2, /nowhere.onnx: there is no such file/],
    [["run", file("all.json"), "--inputs", file("all.json")], 1, /all.json: model.json, modelTopology/],
    [["run", file("lstm.onnx")], 2, /--inputs: expected arrays/],
    [["run", file("lstm.onnx"), "--inputs", file("lstm.onnx")], 1, /expected NPZ, NPY or JSON/],
    [
      ["run", file("lstm.onnx"), "--inputs", file("bad.json")],
      2,
      /input "input": expected shape \[time, batch, 2\], got \[1, 1, 3\]/,
    ],
    [
      ["run", file("lstm.onnx"), "--inputs", file("other.json")],
      2,
      /inputs: expected one of "input", "h", "c", got the string "inptu"/,
    ],
  ] as const)("refuses %o", async (argv, code, message) => {
    writeFileSync(file("bad.json"), JSON.stringify({ input: [[[1, 2, 3]]] }));
    writeFileSync(file("other.json"), JSON.stringify({ inptu: steps }));
    const ran = await longshort(argv);
    expect(ran.stderr).toMatch(message);
    expect(ran.code).toBe(code);
  });
});
