import { mkdirSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bytesSource } from "../../../src/formats/byte-source.ts";
import { convertModel } from "../../../src/formats/convert.ts";
import { GraphWriter } from "../../../src/formats/onnx/graph-writer.ts";
import { attributeSpec, graphSpec, modelSpec, nodeSpec, tensorSpec } from "../../../src/formats/onnx/messages.ts";
import { encodeTensor } from "../../../src/formats/onnx/tensor-data.ts";
import { open } from "../../../src/formats/open.ts";
import { type MessageOf, readMessage } from "../../../src/formats/protobuf.ts";
import { changeMessage, writeMessage } from "../../../src/formats/protobuf-write.ts";
import { readModel } from "../../../src/formats/read-model.ts";
import { compareModels, randomInputs } from "../../../src/formats/verify.ts";
import { concatBytes } from "../../../src/shared/concat-bytes.ts";
import { machineAndFolder } from "../../support/machine-and-folder.ts";
import { bytesOf } from "../../support/onnx-data-sets.ts";

const { machine, folder } = await machineAndFolder("reference");
const golden = new URL("../../golden/torch-onnx/lm_lstm_state_op14/model.onnx", import.meta.url);
const whole = bytesOf(golden.pathname);

/** The model with the numbers of all its tensors in another file, as onnx.save puts them there. */
function apart(location: string): { model: Uint8Array; data: Uint8Array } {
  const parts: number[] = [];
  const moved = (bytes: Uint8Array): Uint8Array => {
    const tensor: MessageOf<typeof tensorSpec> = readMessage(bytes, tensorSpec);
    const raw = tensor.rawData ?? encodeTensor("", "int64", tensor.dims, tensor.int64Data).rawData;
    // Between the tensors lies what belongs to none.
    parts.push(...new Array<number>(7).fill(255));
    const offset = parts.length;
    parts.push(...raw);
    const entries = { location, offset, length: raw.length };
    const externalData = Object.entries(entries).map(([key, value]) => ({ key, value: String(value) }));
    const { name, dims, dataType } = tensor;
    return writeMessage({ name, dims, dataType, dataLocation: 1, externalData }, tensorSpec);
  };
  const model = changeMessage(whole, modelSpec, {
    graph: (graph) =>
      changeMessage(graph, graphSpec, {
        initializer: moved,
        node: (node) =>
          changeMessage(node, nodeSpec, {
            attribute: (attribute) => changeMessage(attribute, attributeSpec, { t: moved }),
          }),
      }),
  });
  return { model, data: Uint8Array.from(parts) };
}

test("tensors that lie in another file are read, and one file is written of both", async () => {
  const { model, data } = apart("parts/model.onnx.data");
  expect(model.length).toBeLessThan(whole.length);
  mkdirSync(`${folder}/parts`, { recursive: true });
  writeFileSync(`${folder}/model.onnx`, model);
  writeFileSync(`${folder}/parts/model.onnx.data`, data);
  using expected = await open(whole, { machine: machine });
  const inputs = await randomInputs(expected);
  const files = { "parts/model.onnx.data": data };
  for (const [from, options] of [[`${folder}/model.onnx`, {}] as const, [model, { files }] as const]) {
    using came = await open(from, { machine: machine, ...options });
    for (const { difference } of await compareModels(expected, came, inputs)) expect(difference).toBe(0);
    using written = await open(convertModel(came.file, { to: "onnx" }).bytes, { machine: machine });
    for (const { difference } of await compareModels(expected, written, inputs)) expect(difference).toBe(0);
  }
});

test("a source that was open stays open", async () => {
  const { model, data } = apart("data");
  let closed = 0;
  const source = { ...bytesSource(data), close: async () => void closed++ };
  await readModel(model, { files: { data: source } });
  expect(closed).toBe(0);
});

test("what is missing, too short or elsewhere is refused", async () => {
  const { model, data } = apart("data");
  await expect(readModel(model)).rejects.toMatchObject({
    code: "missing-file",
    message: expect.stringContaining('"data"'),
  });
  await expect(readModel(model, { files: {} })).rejects.toMatchObject({ code: "missing-file" });
  const short = { data: data.slice(0, -1) };
  await expect(readModel(model, { files: short })).rejects.toMatchObject({
    code: "damaged-onnx",
    message: expect.stringContaining("lies at byte"),
  });
  for (const location of ["../data", "/etc/passwd", "a/../../data", ""])
    await expect(readModel(apart(location).model, { files: short })).rejects.toMatchObject({ code: "damaged-onnx" });
});

/** A model of tensors alone, each in another file. */
const held = (entries: Readonly<Record<string, string>>, shape: readonly number[], count = 1): Uint8Array => {
  const graph = new GraphWriter();
  graph.input("x", "float32", [1]);
  graph.node("Identity", ["x"], ["y"]);
  graph.output("y", "float32");
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
  const tensors = Array.from({ length: count }, (_, k) =>
    writeMessage({ name: `w${k}`, dims: shape, dataType: 1, dataLocation: 1, externalData }, tensorSpec),
  );
  return changeMessage(graph.finish("held"), modelSpec, {
    graph: (own) => concatBytes([own, ...tensors.flatMap((t) => [Uint8Array.of(5 * 8 + 2, t.length), t])]),
  });
};

test("without a length a tensor goes to the end of its file, without an offset from its beginning", async () => {
  const data = new Uint8Array(Float32Array.of(1, 2, 3).buffer);
  const numbers = async (entries: Readonly<Record<string, string>>, shape: readonly number[]) => {
    const { content } = await readModel(held({ location: "d", ...entries }, shape), { files: { d: data } });
    return content.kind === "graph" ? [...content.graph.graph.initializers.get("w0")!.data] : undefined;
  };
  expect(await numbers({}, [3])).toEqual([1, 2, 3]);
  expect(await numbers({ offset: "4" }, [2])).toEqual([2, 3]);
  expect(await numbers({ length: "8" }, [2])).toEqual([1, 2]);
  for (const offset of ["-4", "x", "13"]) await expect(numbers({ offset }, [3])).rejects.toThrow(/lies at byte/);
});

test("many tensors in one place are refused before they are read", async () => {
  const bytes = new Uint8Array(2 ** 22);
  let read = 0;
  const source = {
    ...bytesSource(bytes),
    read: async () => {
      read++;
      return bytes;
    },
  };
  const error = await readModel(held({ location: "d" }, [2 ** 20], 60), { files: { d: source } }).catch(
    (e: unknown) => e,
  );
  expect(error).toMatchObject({ code: "damaged-onnx", message: expect.stringContaining("far more than the files") });
  expect(read).toBe(40);
});
