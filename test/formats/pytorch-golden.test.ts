import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import { readPyTorch } from "../../src/formats/pytorch/read.ts";
import { writePyTorch } from "../../src/formats/pytorch/write.ts";

const folder = fileURLToPath(new URL("../golden/torch-pt/", import.meta.url));
const manifest: { file: string; note: string; expect: string; tensors: string[] | null }[] = JSON.parse(
  readFileSync(`${folder}manifest.json`, "utf8"),
);

describe("files of torch.save", () => {
  test.each(manifest.filter(({ tensors }) => tensors !== null))("$file: $note", async ({ file: name, tensors }) => {
    const file = await readPyTorch(folder + name);
    const expected = readSafetensors(
      Uint8Array.from(readFileSync(folder + name.replace(".pt", ".expect.safetensors"))),
    );
    expect([...expected.tensors.keys()].sort()).toEqual([...tensors!].sort());
    expect(file.format).toBe(name.includes("legacy") ? "legacy" : "zip");
    for (const [key, want] of expected.tensors) {
      const came = await file.tensors.get(key)!.read();
      expect(came.dtype, key).toBe(want.dtype);
      expect(came.shape, key).toEqual(want.shape);
      expect(Buffer.compare(came.bytes, want.bytes), key).toBe(0);
    }
    const others = [...file.tensors.keys()].filter((key) => !expected.tensors.has(key));
    expect(
      others.every((key) => key.startsWith("optimizer")),
      `${others}`,
    ).toBe(true);
    await file.close();
  });

  test.each(manifest.filter(({ tensors }) => tensors === null))("$file is refused: $note", async ({ file: name }) => {
    const named: Record<string, RegExp> = {
      "module.pt": /torch\.nn\.modules\.rnn\.LSTM.*state_dict/,
      "module_legacy.pt": /torch\.nn\.modules\.rnn\.LSTM.*state_dict/,
      "torchscript.pt": /TorchScript/,
      "complex.pt": /complex/,
      "quantized.pt": /quantized/,
    };
    await expect(readPyTorch(folder + name)).rejects.toMatchObject({
      code: "bad-pytorch",
      message: expect.stringMatching(named[name]!),
    });
  });

  test.each(["checkpoint.pt", "checkpoint_legacy.pt"])("%s holds Python values as plain data", async (name) => {
    const { value, close } = await readPyTorch(folder + name);
    const map = value as Map<string, unknown>;
    expect(
      Object.fromEntries([...map].filter(([, entry]) => typeof entry !== "object" || Array.isArray(entry))),
    ).toEqual({
      epoch: 7,
      loss: 0.25,
      big: 2n ** 70n,
      name: "größe 模型",
      done: false,
      shape: [3, 4],
      history: [1.5, Infinity, NaN],
    });
    expect(map.get("best")).toBeNull();
    expect(map.get("set")).toEqual(new Set([1, 2]));
    expect(map.get("bytes")).toEqual(Uint8Array.of(0, 255));
    await close();
  });

  test("64-bit whole numbers stay exact", async () => {
    const { tensors, close } = await readPyTorch(`${folder}ints.pt`);
    const { dtype, bytes } = await tensors.get("i64")!.read();
    expect(dtype).toBe("I64");
    expect([...new BigInt64Array(bytes.slice().buffer)].some((value) => value > 2n ** 53n)).toBe(true);
    await close();
    await expect(tensors.get("i64")!.read()).rejects.toMatchObject({ code: "closed" });
  });

  test("tied weights share a storage, and what is written keeps them shared", async () => {
    const { tensors, close } = await readPyTorch(`${folder}tied.pt`);
    const [embedding, head] = [tensors.get("emb.weight")!, tensors.get("head.weight")!];
    expect(embedding.storage).toBe(head.storage);
    const weight = await embedding.read();
    const again = await readPyTorch(
      writePyTorch(
        new Map([
          ["emb.weight", weight],
          ["head.weight", weight],
        ]),
      ),
    );
    expect(again.tensors.get("emb.weight")!.storage).toBe(again.tensors.get("head.weight")!.storage);
    expect(await again.tensors.get("head.weight")!.read()).toEqual(weight);
    await close();
  });

  test("`await using` closes the file that was opened", async () => {
    let view: { read(): Promise<unknown> };
    {
      await using file = await readPyTorch(`${folder}ints.pt`);
      view = file.tensors.get("i64")!;
      await view.read();
    }
    await expect(view.read()).rejects.toThrow(/clos/);
  });

  test("a file is read from a Blob, in parts", async () => {
    const file = await readPyTorch(new Blob([readFileSync(`${folder}views.pt`)]));
    expect((await file.tensors.get("transposed")!.read()).shape).toEqual(file.tensors.get("transposed")!.shape);
  });
});
