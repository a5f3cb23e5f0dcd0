import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lstm } from "../../src/cells/lstm.ts";
import { safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { openMachine } from "../../src/compute/open.ts";
import type { LayerSpec } from "../../src/formats/canonical.ts";
import { writeHdf5 } from "../../src/formats/hdf5/write.ts";
import { writeKeras } from "../../src/formats/keras/write.ts";
import { readArrays } from "../../src/formats/named-arrays.ts";
import { readNpz, writeNpz } from "../../src/formats/npz.ts";
import { writeOnnx } from "../../src/formats/onnx/write.ts";
import { writePyTorch } from "../../src/formats/pytorch/write.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { size } from "../../src/shared/shapes.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { chainOf, recurrentSpec } from "../formats/networks.ts";
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
  const tensors = (seed: number) => {
    const add = (name: string, ...shape: number[]) =>
      [
        name,
        safeTensor(
          "F32",
          shape,
          Float32Array.from(new RandomStream(seed, name).uniform(size(shape)), (u) => u - 0.5),
        ),
      ] as const;
    const parts = [
      add("rnn.weight_ih_l0", 9, 4),
      add("rnn.weight_hh_l0", 9, 3),
      add("rnn.bias_ih_l0", 9),
      add("rnn.bias_hh_l0", 9),
    ];
    return new Map([add("emb.weight", 6, 4), ...parts, add("fc.weight", 5, 3), add("fc.bias", 5)]);
  };
  writeFileSync(file("state.pt"), writePyTorch(tensors(1)));
  writeFileSync(file("other.pt"), writePyTorch(tensors(2)));
  const ones = (...shape: number[]) => safeTensor("F32", shape, new Float32Array(size(shape)).fill(1));
  const plain = { "rnn.weight_ih_l0": ones(3, 4), "rnn.weight_hh_l0": ones(3, 3) };
  writeFileSync(file("rnn.pt"), writePyTorch(new Map(Object.entries(plain))));
  const both = { ...plain, "rnn.weight_ih_l0_reverse": ones(3, 4), "rnn.weight_hh_l0_reverse": ones(3, 3) };
  writeFileSync(file("bidirectional.pt"), writePyTorch(new Map(Object.entries(both))));
  writeFileSync(file("one-step.json"), JSON.stringify({ input: [[[1, 2, 3, 4]]] }));
  writeFileSync(file("abc.txt"), "abcabd. ".repeat(120));
  const small = "--hidden-size 6 --embedding-size 4 --batch-size 4 --sequence-length 10 --epochs 1".split(" ");
  await longshort(["train", "text", file("abc.txt"), ...small, "--output", file("run")]);
  writeFileSync(file("names.csv"), `name,from\n${"ana,es\nbob,uk\nada,es\nroy,uk\n".repeat(10)}`);
  const columns = ["--text", "name", "--label", "from", "--tokenizer", "grapheme", "--epochs", "1"];
  await longshort(["train", "classify", file("names.csv"), ...columns, "--hidden-size", "6", "-o", file("names")]);
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

  test("a piece may have any number of steps, where the file names one length for whole sequences", async () => {
    const input = (steps: number) =>
      JSON.stringify({ input_layer: { shape: [1, steps, 4], data: Array(4 * steps).fill(0.5) } });
    writeFileSync(file("one-of-two.json"), input(1));
    writeFileSync(file("two-steps.json"), input(2));
    const fixed = { ...chainOf([recurrentSpec({ cell: { name: "gru" }, inputSize: 4, hiddenSize: 3 })], { width: 4 }) };
    writeFileSync(
      file("fixed.keras"),
      writeKeras({ ...fixed, inputs: fixed.inputs.map((one) => ({ ...one, shape: [2, 4] })) }),
    );
    const run = (inputs: string, ...more: string[]) =>
      longshort(["run", file("fixed.keras"), "--inputs", file(inputs), "--json", ...more]);
    expect((await run("one-of-two.json")).stderr).toContain("expected shape [batch, 2, 4], got [1, 1, 4]");
    const output = ({ stdout }: { stdout: string }) => JSON.parse(stdout.split("\n")[0]!).data;
    const pieces: number[] = [];
    for (let k = 0; k < 2; k++) pieces.push(...output(await run("one-of-two.json", "--state", file("fixed.npz"))));
    expect(pieces).toEqual(output(await run("two-steps.json")));
  });

  test("numbers that are none are run, and told; with a state they are refused", async () => {
    const data = Float32Array.of(1, Number.NaN);
    writeFileSync(file("nan.npz"), writeNpz(new Map([["input", safeTensor("F32", [1, 1, 2], data)]])));
    const ran = await longshort(["run", file("lstm.onnx"), "--inputs", file("nan.npz")]);
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringMatching(/^input "input": element 1 is NaN; .*\n$/) });
    const streamed = await longshort([
      "run",
      file("lstm.onnx"),
      "--inputs",
      file("nan.npz"),
      "--state",
      file("nan-state.npz"),
    ]);
    expect(streamed).toMatchObject({ code: 2, stderr: expect.stringMatching(/got NaN at \[0, 0, 1\]/) });
    expect(existsSync(file("nan-state.npz"))).toBe(false);
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
    [
      ["run", file("all.json"), "--inputs", file("all.json")],
      2,
      /all.json: JSON, but neither TensorFlow.js' model.json/,
    ],
    [
      ["run", file("bidirectional.pt"), "--inputs", file("one-step.json"), "--state", file("b.npz")],
      2,
      /give whole sequences to run/,
    ],
    [["run", file("lstm.onnx")], 2, /--inputs is required: file with the inputs by name/],
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
    [
      ["run", file("lstm.onnx"), "--inputs", file("all.json"), "--outputs", file("out.csv")],
      2,
      /out.csv: expected a name that ends in .npz, .npy, .json/,
    ],
  ] as const)("refuses %o", async (argv, code, message) => {
    writeFileSync(file("bad.json"), JSON.stringify({ input: [[[1, 2, 3]]] }));
    writeFileSync(file("other.json"), JSON.stringify({ inptu: steps }));
    const ran = await longshort(argv);
    expect(ran.stderr).toMatch(message);
    expect(ran.code).toBe(code);
  });
});

describe("convert, verify and info", () => {
  test("a model goes through formats and stays the same function", async () => {
    const there = await longshort(["convert", file("lstm.onnx"), file("copy.onnx")]);
    expect(there).toMatchObject({ code: 0, stdout: expect.stringContaining("onnx → onnx") });
    for (const name of ["net.onnx", "net.keras", "net.h5", "again.pt"]) {
      const ran = await longshort(["convert", file("state.pt"), file(name)]);
      expect(ran.stderr, name).toBe("");
      expect(ran.stdout, name).toMatch(
        /^pytorch → .*\n(.*\n)* {2}both run on random input: (same results|largest difference \d\.\de[+-]\d+)/,
      );
      const same = await longshort(["verify", file("state.pt"), file(name)]);
      expect(same, name).toMatchObject({ code: 0 });
    }
    const json = await longshort(["convert", file("net.keras"), file("back.pt"), "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ type: "converted", from: "keras", to: "pytorch" });
  });

  test("a run of ours becomes PyTorch's and Keras'", async () => {
    for (const name of ["run.pt", "run.onnx", "run.keras"]) {
      const ran = await longshort(["convert", file("run"), file(name)]);
      expect(ran.stderr, name).toBe("");
      expect(ran, name).toMatchObject({ code: 0, stdout: expect.stringContaining("run → ") });
      expect(await longshort(["verify", file("run"), file(name)]), name).toMatchObject({ code: 0 });
    }
  });

  test("a run of a classifier becomes ONNX, Keras and TensorFlow.js, and its weights PyTorch's", async () => {
    const written = { "names.onnx": "onnx", "names.keras": "keras", "names.json": "tfjs" };
    for (const [name, to] of Object.entries(written)) {
      const ran = await longshort(["convert", file("names"), file(name)]);
      expect(ran.stderr, name).toBe("");
      expect(ran.stdout, name).toMatch(new RegExp(`^run → ${to}: (.*\\n)* {2}both run on random input: `));
      expect(ran.stdout, name).toContain('the classes are, in this order: "es", "uk"');
      expect(await longshort(["verify", file("names"), file(name)]), name).toMatchObject({ code: 0 });
    }
    const weights = await longshort(["convert", file("names"), file("names.pt")]);
    expect(weights).toMatchObject({ code: 0, stdout: expect.stringContaining("read back, it holds the same numbers") });
    const info = await longshort(["info", file("names.onnx")]);
    expect(info.stdout).toContain("probabilities");
  });

  test("other weights are another function: exit code 1", async () => {
    const ran = await longshort(["verify", file("state.pt"), file("other.pt")]);
    expect(ran).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/The outputs differ by .*, --tolerance is 0.00001/),
    });
  });

  test("given inputs are those of both models, of one sequence as well, with states or without", async () => {
    const verify = ["verify", file("lstm.onnx"), file("copy.onnx"), "--json", "--inputs"];
    writeFileSync(file("from.json"), JSON.stringify({ input: steps, h: [[[1, 2, 3]]], c: [[[-1, 0.5, 2]]] }));
    for (const inputs of ["all.json", "from.json"]) {
      const ran = await longshort([...verify, file(inputs)]);
      expect(ran, inputs).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(ran.stdout.split("\n")[0]!), inputs).toMatchObject({ output: "output", shape: [3, 1, 3] });
    }
    writeFileSync(file("net.json"), JSON.stringify({ tokens: [[1, 5, 0]], "rnn.h": [[1, 2, 3]] }));
    const layers = await longshort(["verify", file("state.pt"), file("net.onnx"), "--inputs", file("net.json")]);
    expect(layers).toMatchObject({ code: 0 });
    writeFileSync(file("half.json"), JSON.stringify({ h: [[[1, 2, 3]]] }));
    expect(await longshort([...verify, file("half.json")])).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('input "input" (float32) is not among those given') },
    });
  });

  test("a state dictionary comes with what forward has to do, and its numbers are compared", async () => {
    const head: LayerSpec = { kind: "dense", inputSize: 2, outputSize: 3, bias: true, activation: { name: "softmax" } };
    const lstm = recurrentSpec({
      ...{ cell: { name: "lstm" }, inputSize: 2, hiddenSize: 2, biases: 1, maskedOutput: "previous" },
      returnSequences: false,
    });
    writeFileSync(file("last.keras"), writeKeras(chainOf([lstm, head], { width: 2 })));
    const written = await longshort(["convert", file("last.keras"), file("last.pt")]);
    expect(written).toMatchObject({ code: 0, stderr: "" });
    expect(written.stdout).toContain(
      'What the file does not contain, for forward:\n  "layer0": go on with the step that it computes last alone\n  "layer1": apply softmax behind it\n',
    );
    expect(written.stdout).toContain("read back, it holds the same numbers\n");

    writeFileSync(file("masked.keras"), writeKeras(chainOf([{ kind: "masking", value: 0 }, lstm], { width: 2 })));
    const refused = await longshort(["convert", file("masked.keras"), file("masked.pt")]);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: layer "layer0" .*not holes.*\n$/),
    });
    expect(existsSync(file("masked.pt"))).toBe(false);
    const json = await longshort(["convert", file("masked.keras"), file("masked.pt"), "--weights-only", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ type: "converted", to: "pytorch" },
      forward: [
        expect.stringContaining("skip steps all of whose numbers are 0"),
        expect.stringContaining("last alone"),
      ],
    });
  });

  test("of a file that stays on disk each tensor is read a few times, however many numbers it has", async () => {
    const wide = safeTensor("F32", [40_000], new Float32Array(40_000).fill(0.5));
    writeFileSync(file("wide.safetensors"), writeSafetensors(new Map([["wide", wide]])));
    const start = process.cpuUsage();
    expect(await longshort(["convert", file("wide.safetensors"), file("wide.npz")])).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(2);
  });

  test("what is refused is refused with the reason, and nothing is written", async () => {
    const ran = await longshort(["convert", file("lstm.onnx"), file("no.keras")]);
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining("an ONNX graph is operators, not layers") });
    expect(existsSync(file("no.keras"))).toBe(false);
    const unknown = await longshort(["convert", file("lstm.onnx"), file("lstm.xyz")]);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining(".onnx, .pt") });
  });

  test("info says what is in a file and what it converts to", async () => {
    const { stdout, code } = await longshort(["info", file("state.pt")]);
    expect(code).toBe(0);
    for (const part of [
      "pytorch, ",
      "tokens: int64 [batch, time]",
      "rnn: gru",
      "batch first",
      "converts to:\n  onnx, pytorch, keras",
    ])
      expect(stdout).toContain(part);
    expect(stdout).toMatch(/tfjs: .*reset/i);
    const graph = JSON.parse((await longshort(["info", file("lstm.onnx"), "--json"])).stdout);
    expect(graph).toMatchObject({ type: "model", format: "onnx", inputs: ["input: float32 [time, batch, 2]"] });
    expect(graph.states).toEqual(["h", "c"].map((state) => `${state} → ${state}_out: float32 [1, batch, 3]`));
    expect(graph.converts).toMatchObject({ onnx: "yes", keras: expect.stringContaining("operators, not layers") });
  });

  test("a model on a server is fetched once, and told of like one on disk", async () => {
    const asked: string[] = [];
    const server = createServer(({ url }, response) => {
      asked.push(url!);
      response.writeHead(200, { "content-type": "application/octet-stream" });
      response.end(readFileSync(file(url!.slice(1))));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/lstm.onnx`;
    const [there, here] = [await longshort(["info", address]), await longshort(["info", file("lstm.onnx")])];
    server.closeAllConnections();
    server.close();
    expect(asked).toEqual(["/lstm.onnx"]);
    expect(there).toMatchObject({ code: 0, stdout: here.stdout.replaceAll(file("lstm.onnx"), address) });
  });

  test("info says each reason once, and knows a folder with a model.json and a file of weights alone", async () => {
    const graph = await longshort(["info", file("lstm.onnx")]);
    expect(graph.stdout.match(/operators, not layers/g)).toHaveLength(2);
    expect(graph.stdout).toContain("\n  pytorch, safetensors, npz: an ONNX graph is operators");
    mkdirSync(file("tfjs"));
    await longshort(["convert", file("rnn.pt"), file("tfjs/model.json")]);
    expect(await longshort(["info", file("tfjs")])).toMatchObject({
      ...{ code: 0, stdout: expect.stringContaining(": tfjs, ") },
    });
    const kernel = { shape: [2, 1], data: [1, 2] };
    const dense = { attributes: { weight_names: ["kernel:0"] }, members: new Map([["kernel:0", kernel]]) };
    const root = { attributes: { layer_names: ["dense"] }, members: new Map([["dense", dense]]) };
    writeFileSync(file("weights.h5"), writeHdf5(root));
    const alone = await longshort(["info", file("weights.h5")]);
    expect(alone).toMatchObject({ code: 0, stdout: expect.stringContaining("dense/kernel:0: F32 [2, 1]") });
    expect(alone.stdout).toContain("\n  onnx, keras, keras-h5, tfjs: for this reason\n");
    expect(alone.stdout).toMatch(
      /cannot be run:\n {2}it holds weights alone, of the layers dense: save the whole model/,
    );
  });
});
