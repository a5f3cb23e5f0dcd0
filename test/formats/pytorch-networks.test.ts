import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { open } from "../../src/formats/open.ts";
import type { ModelArray } from "../../src/formats/plans.ts";
import type { ModelPort } from "../../src/formats/runnable.ts";
import { exportModel, save } from "../../src/formats/save.ts";
import { size } from "../../src/shared/shapes.ts";
import { difference } from "../support/difference.ts";
import { machineAndFolder } from "../support/machine-and-folder.ts";
import { onnxRuntime, withoutOnnxRuntime } from "../support/onnxruntime.ts";
import { runTorch, withTorch } from "../support/torch.ts";

/** A model in PyTorch: an embedding or none, a recurrent stack, a normalization or none, a linear layer. */
interface Architecture {
  readonly cell: "RNN" | "LSTM" | "GRU";
  readonly nonlinearity: "tanh" | "relu";
  readonly tokens: boolean;
  readonly norm: boolean;
  readonly bidirectional: boolean;
  readonly bias: boolean;
  /** Of LSTMs; ONNX has no such thing. */
  readonly projection: boolean;
  readonly sizes: Readonly<Record<"D" | "H" | "L" | "B" | "T" | "out", number>>;
  readonly legacy: boolean;
}
const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const architecture: fc.Arbitrary<Architecture> = fc.record({
  cell: fc.constantFrom("RNN", "LSTM", "GRU"),
  nonlinearity: fc.constantFrom("tanh", "relu"),
  ...{ tokens: fc.boolean(), norm: fc.boolean(), bidirectional: fc.boolean(), bias: fc.boolean() },
  ...{ projection: fc.boolean(), legacy: fc.boolean() },
  // Widths that differ, so that modules fit in one order only.
  sizes: fc.record({ D: upTo(4), H: fc.integer({ min: 5, max: 8 }), L: upTo(3), B: upTo(3), T: upTo(5), out: upTo(3) }),
});

const MODULE = `
import json, sys, torch
folder = sys.argv[1]
class Net(torch.nn.Module):
    def __init__(self, a):
        super().__init__()
        n = a["sizes"]
        if a["tokens"]: self.embedding = torch.nn.Embedding(9, n["D"])
        options = {"bidirectional": a["bidirectional"], "bias": a["bias"], "batch_first": True}
        if a["cell"] == "RNN": options["nonlinearity"] = a["nonlinearity"]
        width = n["H"]
        if a["cell"] == "LSTM" and a["projection"]: options["proj_size"] = width = n["H"] - 1
        self.rnn = getattr(torch.nn, a["cell"])(n["D"], n["H"], n["L"], **options)
        width *= 2 if a["bidirectional"] else 1
        if a["norm"]: self.norm = torch.nn.LayerNorm(width)
        self.head = torch.nn.Linear(width, n["out"])
    def forward(self, x):
        if hasattr(self, "embedding"): x = self.embedding(x)
        x = self.rnn(x)[0]
        if hasattr(self, "norm"): x = self.norm(x)
        return self.head(x)
def flat(t): return {"shape": list(t.shape), "data": t.reshape(-1).tolist()}
`;
const MAKE = `${MODULE}
results = []
for k, a in enumerate(json.load(open(folder + "/architectures.json"))):
    torch.manual_seed(k)
    n = a["sizes"]
    net = Net(a).eval()
    x = torch.randint(0, 9, (n["B"], n["T"])) if a["tokens"] else torch.randn(n["B"], n["T"], n["D"])
    with torch.no_grad():
        # Biases of a normalization begin as zeros and its scales as ones, which would hide a mistake; of units that are almost
        # alike it would make the rounding of float32 large.
        for p in net.parameters(): p += 0.5 * torch.randn_like(p)
        y = net(x)
    torch.save(net.state_dict(), f"{folder}/{k}.theirs.pt", _use_new_zipfile_serialization=not a["legacy"])
    torch.save(x, f"{folder}/{k}.x.pt")
    results.append({"x": flat(x), "y": flat(y)})
print(json.dumps(results))
`;
const CHECK = `${MODULE}
results = []
for k, a in enumerate(json.load(open(folder + "/architectures.json"))):
    theirs, ours = [torch.load(f"{folder}/{k}.{who}.pt", weights_only=True) for who in ("theirs", "ours")]
    net = Net(a).eval()
    net.load_state_dict(ours)
    with torch.no_grad(): y = net(torch.load(f"{folder}/{k}.x.pt"))
    results.append({"y": flat(y), "same": all(torch.equal(theirs[name], ours[name]) for name in theirs)})
print(json.dumps(results))
`;

const { machine, folder } = await machineAndFolder("reference");

type Arrays = Readonly<Record<string, ModelArray>>;

/** The input of a model under its name, and zeros for the states that a graph of ONNX asks for. */
function inputsFor(ports: readonly ModelPort[], x: ModelArray): Arrays {
  const zeros = (shape: readonly number[]): ModelArray => ({ shape, data: new Float32Array(size(shape)) });
  const batch = x.shape[0]!;
  return Object.fromEntries(
    ports.map(({ name, shape = [] }) => [
      name,
      name === "tokens" || name === "input" ? x : zeros(shape.map((n) => (typeof n === "number" ? n : batch))),
    ]),
  );
}

async function runtimeOutput(bytes: Uint8Array, inputs: Arrays): Promise<number[]> {
  const { InferenceSession, Tensor } = onnxRuntime!;
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const tensors = Object.entries(inputs).map(([name, { shape, data }]) => [
    name,
    name === "tokens"
      ? new Tensor("int64", BigInt64Array.from(Array.from(data, BigInt)), shape)
      : new Tensor("float32", Float32Array.from(data), shape),
  ]);
  const { output } = await session.run(Object.fromEntries(tensors));
  await session.release();
  return Array.from(output!.data as Float32Array);
}

withTorch("networks of PyTorch", () => {
  test(`PyTorch → ours → ONNX → ours and ONNX Runtime, and back to PyTorch: one function${withoutOnnxRuntime}`, {
    timeout: 120_000,
  }, async () => {
    const architectures = fc.sample(architecture, { numRuns: 24 });
    writeFileSync(`${folder}/architectures.json`, JSON.stringify(architectures));
    const made: { x: ModelArray; y: ModelArray }[] = JSON.parse(runTorch(MAKE, folder));
    for (const [k, architecture] of architectures.entries()) {
      const { x, y } = made[k]!;
      const label = `${k}: ${JSON.stringify(architecture)}`;
      const model = await open(`${folder}/${k}.theirs.pt`, { machine, nonlinearity: architecture.nonlinearity });
      const read = (await model.run(inputsFor(model.inputs, x))).output!;
      expect(read.shape, label).toEqual(y.shape);
      expect(difference(read.data, y.data), `read: ${label}`).toBeLessThan(1e-5);

      await save(model, `${folder}/${k}.ours.pt`);
      const { bytes } = await exportModel(model, { to: "onnx" });
      const graph = await open(bytes, { machine });
      const inputs = inputsFor(graph.inputs, x);
      expect(difference((await graph.run(inputs)).output!.data, y.data), `ONNX: ${label}`).toBeLessThan(1e-5);
      if (onnxRuntime)
        expect(difference(await runtimeOutput(bytes, inputs), y.data), `ONNX Runtime: ${label}`).toBeLessThan(1e-5);
      for (const opened of [model, graph]) opened.close();
    }
    const back: { y: ModelArray; same: boolean }[] = JSON.parse(runTorch(CHECK, folder));
    expect(back).toEqual(made.map(({ y }) => ({ y, same: true })));
  });
});
