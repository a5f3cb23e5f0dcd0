import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { ElementTypeName } from "../../src/checkpoint/element-types.ts";
import { SafeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { elementBytes } from "../../src/formats/element-bytes.ts";
import { readPyTorch } from "../../src/formats/pytorch/read.ts";
import { writePyTorch } from "../../src/formats/pytorch/write.ts";
import { size } from "../../src/shared/shapes.ts";
import { runTorch, withTorch } from "../support/torch.ts";

const folder = mkdtempSync(join(tmpdir(), "torch-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Loads the file, says what is in it (type, shape, bytes in hexadecimal), and saves it again in both formats. */
const PROGRAM = `
import json, sys, torch
folder = sys.argv[1]
tensors = torch.load(folder + "/ours.pt", weights_only=True)
def raw(t):
    return t.contiguous().view(-1).view(torch.uint8).numpy().tobytes().hex() if t.numel() else ""
def dense(t):
    return t.view(torch.uint8) if t.dtype == torch.bool else t
print(json.dumps({k: [str(t.dtype), list(t.shape), raw(dense(t.reshape(-1)))] for k, t in tensors.items()}))
print(tensors["shared"].data_ptr() == tensors["first"].data_ptr(), type(tensors).__name__)
torch.save(tensors, folder + "/zip.pt")
torch.save(tensors, folder + "/legacy.pt", _use_new_zipfile_serialization=False)
`;

const NAMES: Partial<Record<ElementTypeName, string>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U8: "uint8",
  BOOL: "bool",
};

withTorch("PyTorch itself", () => {
  test("torch.load(weights_only=True) reads what is written, and what it saves again is read", {
    timeout: 60_000,
  }, async () => {
    const tensors = new Map<string, SafeTensor>();
    for (const dtype of Object.keys(NAMES) as ElementTypeName[])
      for (const shape of [[3, 5], [], [0, 4], [2, 1, 300]]) {
        const length = size(shape) * elementBytes(dtype);
        const bytes = Uint8Array.from({ length }, (_, i) => (dtype === "BOOL" ? i % 2 : (i * 7) % 120));
        tensors.set(`${dtype}.${shape.join("x")} 词`, new SafeTensor(dtype, shape, bytes));
      }
    const first = [...tensors.values()][0]!;
    tensors.set("first", first).set("shared", first);
    writeFileSync(`${folder}/ours.pt`, writePyTorch(tensors));
    const [listing, facts] = runTorch(PROGRAM, folder).split("\n");
    const expected = [...tensors].map(([name, { dtype, shape, bytes }]) => [
      name,
      [`torch.${NAMES[dtype]}`, shape, Buffer.from(bytes).toString("hex")],
    ]);
    expect(JSON.parse(listing!)).toEqual(Object.fromEntries(expected));
    expect(facts).toBe("True OrderedDict");
    for (const name of ["zip.pt", "legacy.pt"]) {
      const file = await readPyTorch(`${folder}/${name}`);
      expect([...file.tensors.keys()]).toEqual([...tensors.keys()]);
      for (const [key, want] of tensors) expect(await file.tensors.get(key)!.read(), `${name}: ${key}`).toEqual(want);
      await file.close();
    }
  });
});
