import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ElementTypeName } from "../../src/checkpoint/element-types.ts";
import { SafeTensor, safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { readPyTorch } from "../../src/formats/pytorch/read.ts";
import { writePyTorch } from "../../src/formats/pytorch/write.ts";
import { elementBytes } from "../../src/formats/typed-array.ts";
import { writeZip } from "../../src/formats/zip-write.ts";
import { size } from "../../src/shared/shapes.ts";

/** An archive around a pickle, given as text whose characters are its bytes. */
function archive(pickle: string, storages: Record<string, Uint8Array> = { 0: new Uint8Array(16) }): Uint8Array {
  const files = new Map<string, Uint8Array>([["a/data.pkl", Uint8Array.from(pickle, (c) => c.charCodeAt(0))]]);
  for (const [key, bytes] of Object.entries(storages)) files.set(`a/data/${key}`, bytes);
  return writeZip(files);
}

const STORAGE = "(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQ";
/** As `numpy.float64(…)` and its kin are saved. */
const numpy = (type: string, order: string, bytes: string): string =>
  `cnumpy._core.multiarray\nscalar\n(cnumpy\ndtype\n(U\x02${type}I00\nI01\ntR(K\x03U\x01${order}NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbC${String.fromCharCode(bytes.length)}${bytes}tR.`;
const read = async (pickle: string): Promise<unknown> => (await readPyTorch(archive(pickle))).value;

describe("pickles as plain data", () => {
  test.each<[string, string, unknown]>([
    [
      "protocol 0",
      "(lp0\nI1\naL22L\naF1.5\naS'a\\x41\\n'\naVb\\u00e9\naI01\naNa.",
      [1, 22, 1.5, "aA\n", "bé", true, null],
    ],
    ["protocol 1", "](K\x01M\x02\x01J\xff\xff\xff\xffU\x01ae.", [1, 258, -1, "a"]],
    ["a dictionary made at once", "(U\x01aK\x01d.", new Map([["a", 1]])],
    ["frames and memo", "\x80\x04\x95\x0c\0\0\0\0\0\0\0]\x94\x8c\x01x\x94h\x01\x86a.", [["x", "x"]]],
    ["sets", "\x80\x04\x8f(K\x01K\x02\x90.", new Set([1, 2])],
    ["frozen sets", "\x80\x04(K\x01\x91.", new Set([1])],
    ["bytes", "\x80\x03C\x02\x00\xff.", Uint8Array.of(0, 255)],
    ["bytearrays", "\x80\x05\x96\x01\0\0\0\0\0\0\0\x07.", Uint8Array.of(7)],
    ["long whole numbers", "\x80\x02(\x8a\x00\x8a\x01\xff\x8a\x09\0\0\0\0\0\0\0\0\x01t.", [0, -1, 2n ** 64n]],
    ["values that are dropped", "K\x01K\x020.", 1],
    ["values that are doubled", "]20K\x08a.", [8]],
    ["torch.Size", "\x80\x02ctorch\nSize\n(K\x02K\x03t\x85R.", [2, 3]],
    [
      "an ordered dictionary of pairs",
      "\x80\x02ccollections\nOrderedDict\n]U\x01aK\x01\x86a\x85R.",
      new Map([["a", 1]]),
    ],
    ["a counter, as schedules keep it", "\x80\x02ccollections\nCounter\n}K\x1eK\x01s\x85R.", new Map([[30, 1]])],
    ["its attributes, left out", "\x80\x02ccollections\nOrderedDict\n)R}U\x09_metadata}sb.", new Map()],
    [
      "options of PyTorch Lightning",
      "\x80\x02clightning_fabric.utilities.data\nAttributeDict\n)\x81U\x01aK\x01s.",
      new Map([["a", 1]]),
    ],
    ["a number of NumPy's", numpy("f8", "<", "\0\0\0\0\0\0\xf8?"), 1.5],
    ["of half precision, of NumPy before 2.0", numpy("f2", "<", "\0\x3e").replace("_core", "core"), 1.5],
    ["a truth value of NumPy's", numpy("b1", "|", "\x01"), true],
    ["a long whole number of NumPy's", numpy("u8", "<", "\0\0\0\0\0\0\0\x80"), 2n ** 63n],
    ["a short one", numpy("i8", "<", "\xff\xff\xff\xff\xff\xff\xff\xff"), -1],
  ])("%s", async (_, pickle, value) => {
    expect(await read(pickle)).toEqual(value);
  });

  test("dtypes and devices are named", async () => {
    const [dtype, device] = (await read("(ctorch\nbfloat16\nctorch\ndevice\nU\x04cudaK\x01\x86Rt.")) as {
      pickleName: string;
    }[];
    expect([dtype!.pickleName, device!.pickleName]).toEqual(["torch.bfloat16", "cuda:1"]);
  });

  test("what holds itself ends", async () => {
    const value = (await read("]p0\ng0\na.")) as unknown[];
    expect(value[0]).toBe(value);
    const map = (await read("}p0\nU\x01ag0\ns.")) as Map<string, unknown>;
    expect(map.get("a")).toBe(map);
  });

  test.each<[string, string, RegExp]>([
    ["eval", "cbuiltins\neval\n(U\x011tR.", /"builtins\.eval", which is not data/],
    ["getattr by a protocol 4 name", "\x80\x04\x8c\x08builtins\x8c\x07getattr\x93.", /"builtins\.getattr"/],
    ["a dotted name", "\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.__init__\x93.", /OrderedDict\.__init__/],
    ["a name like an own property", "cconstructor\nprototype\n.", /"constructor\.prototype"/],
    ["an object of a class", "\x80\x04cmymodel\nNet\n)\x81}b.", /"mymodel\.Net".*state_dict/],
    [
      "a numpy array",
      "cnumpy.core.multiarray\n_reconstruct\n.",
      /array of NumPy's \(numpy\.core\.multiarray\._reconstruct\).*from_numpy/,
    ],
    [
      "a number of NumPy's of the other order of bytes",
      numpy("f8", ">", "?\xf8\0\0\0\0\0\0"),
      /byte order the string ">"/,
    ],
    ["a text of NumPy's", numpy("U1", "<", "a\0\0\0"), /NumPy's type the string "U1".*plain number/],
    ["a number of NumPy's of too few bytes", numpy("f8", "<", "\0"), /number of NumPy's in it is made of/],
    [
      "a number of NumPy's of a type of PyTorch's",
      numpy("f8", "<", "\0\0\0\0\0\0\xf8?").replace(/cnumpy\ndtype.*?b/s, "ctorch\nfloat64\n"),
      /number of NumPy's in it/,
    ],
    ["state for a dtype of PyTorch's", "ctorch\nfloat64\n(K\x03U\x01<tb.", /sets the inside of torch\.float64/],
    ["a call of a string", "U\x01a)R.", /it calls the string "a"/],
    ["a call of a storage type", "ctorch\nFloatStorage\n)R.", /calls torch\.FloatStorage/],
    ["a bare name", "ccollections\nOrderedDict\n.", /reference to collections\.OrderedDict/],
    ["state for a list", "]}b.", /sets the inside of an array/],
    ["something added to a tuple", ")K\x01a.", /appends to an array of 0, which is no list/],
    ["a key without a value", "}(K\x01u.", /key without a value/],
    ["text that is encoded otherwise", "c_codecs\nencode\n(U\x01aU\x05utf16tR.", /only text as latin1/],
    ["a device without a name", "ctorch\ndevice\n(K\x01tR.", /torch\.device in it has no name/],
    ["values left over", "K\x01K\x02.", /left over/],
    ["a mark left over", "(K\x01.", /left over/],
    ["a mark too few", "K\x01t.", /closes what it did not open/],
    ["an unknown memo", "h\x05.", /did not remember/],
    ["no end", "]", /cut short/],
    ["bytes behind its end", "N.N.", /2 bytes follow/],
    ["an unknown instruction", "\xf0.", /does not exist/],
    ["a whole number without end", "\x8b\xff\xff\xff\x7f.", /takes 2147483647 bytes/],
    ["a string without end", "\x8d\xff\xff\xff\xff\xff\xff\x0f\0.", /cut short/],
    ["text that is not UTF-8", "X\x01\0\0\0\xff.", /not UTF-8/],
  ])("%s is refused", async (_, pickle, message) => {
    await expect(read(pickle)).rejects.toMatchObject({ code: "bad-pytorch", message: expect.stringMatching(message) });
  });

  test("references that multiply are refused in good time", async () => {
    const layers = Array.from(
      { length: 40 },
      (_, i) => `](h${String.fromCharCode(i)}h${String.fromCharCode(i)}eq${String.fromCharCode(i + 1)}`,
    );
    const start = performance.now();
    await expect(read(`]q\0${layers.join("")}\x85.`)).rejects.toMatchObject({ code: "bad-pytorch" });
    expect(performance.now() - start).toBeLessThan(2000);
  });

  test("copies that multiply are refused in good time", async () => {
    const text = `X\xa0\x86\x01\0${"a".repeat(100_000)}q\x01`;
    const copies = "h\0h\x01h\x02\x86R0".repeat(20_000);
    const pickle = `c_codecs\nencode\nq\0${text}U\x06latin1q\x02${copies}(t.`;
    await expect(read(pickle)).rejects.toMatchObject({ message: expect.stringContaining("far more data") });
  });
});

describe("tensors", () => {
  const tensor = (offset: string, shape: string, strides: string): string =>
    `ctorch._utils\n_rebuild_tensor_v2\n(${STORAGE}${offset}(${shape}t(${strides}t\x89NtR.`;

  test.each<[string, string, RegExp]>([
    ["an offset past the end", tensor("K\x04", "K\x01", "K\x01"), /leads past its storage/],
    ["a negative offset", tensor("J\xff\xff\xff\xff", "K\x01", "K\x01"), /offset/],
    ["a negative stride", tensor("K\x03", "K\x02", "J\xff\xff\xff\xff"), /strides/],
    ["an expansion to terabytes", tensor("K\0", "\x8a\x06\0\0\0\0\0\x01", "K\0"), /would expand/],
    ["a size beyond 2^53", tensor("K\0", "\x8a\x07\0\0\0\0\0\0\x10K\x04", "K\0K\0"), /too large/],
  ])("%s is refused", async (_, pickle, message) => {
    await expect(read(pickle)).rejects.toMatchObject({ code: "bad-pytorch", message: expect.stringMatching(message) });
  });

  test("a storage whose bytes are too few is refused", async () => {
    const bytes = archive(tensor("K\0", "K\x04", "K\x01"), { 0: new Uint8Array(12) });
    await expect(readPyTorch(bytes)).rejects.toMatchObject({ message: expect.stringMatching(/16 bytes, but 12/) });
  });

  test("a storage whose bytes changed is refused when it is read, whole or in part", async () => {
    const file = Uint8Array.from(readFileSync(fileURLToPath(new URL("../golden/torch-pt/views.pt", import.meta.url))));
    const place = Buffer.from(file).indexOf("FB", Buffer.from(file).indexOf("views/data/0")) + 200;
    file[place]! ^= 1;
    const { tensors } = await readPyTorch(file);
    const results = await Promise.allSettled([...tensors.values()].map((view) => view.read()));
    expect(results.some(({ status }) => status === "rejected")).toBe(true);
  });

  test("a legacy file that is too short or too long is refused", async () => {
    const path = fileURLToPath(new URL("../golden/torch-pt/rnn_legacy.pt", import.meta.url));
    const file = Uint8Array.from(readFileSync(path));
    await expect(readPyTorch(file.slice(0, -1))).rejects.toMatchObject({ message: expect.stringMatching(/cut short/) });
    const longer = Uint8Array.from([...file, 0]);
    await expect(readPyTorch(longer)).rejects.toMatchObject({ message: expect.stringMatching(/1 bytes follow/) });
  });

  test("numbers of a legacy file are little-endian, whichever order of bytes its machine had", async () => {
    const path = fileURLToPath(new URL("../golden/torch-pt/rnn_legacy.pt", import.meta.url));
    const file = Uint8Array.from(readFileSync(path));
    const numbers = async (bytes: Uint8Array) =>
      Promise.all([...(await readPyTorch(bytes)).tensors.values()].map(async (view) => (await view.read()).bytes));
    const expected = await numbers(file);
    const truth = file.indexOf(0x88, Buffer.from(file).indexOf("little_endian"));
    file[truth] = 0x89;
    expect(await numbers(file)).toEqual(expected);
  });

  test("a storage without a type of its own holds as many elements as fit into its bytes", async () => {
    const untyped = "(U\x07storagectorch.storage\nUntypedStorage\nU\x010U\x03cpuK\x10tQ";
    const of = (count: string, dtype: string): Uint8Array =>
      archive(`ctorch._utils\n_rebuild_tensor_v3\n(${untyped}K\0(${count}t(K\x01t\x89Nctorch\n${dtype}\ntR.`);
    const shapeOf = async (bytes: Uint8Array) => (await readPyTorch(bytes)).tensors.get("")!.shape;
    expect(await shapeOf(of("K\x08", "float16"))).toEqual([8]);
    await expect(readPyTorch(of("K\x09", "float16"))).rejects.toMatchObject({
      message: expect.stringContaining("leads past its storage"),
    });
    await expect(readPyTorch(of("K\x02", "complex64"))).rejects.toMatchObject({
      message: expect.stringContaining("complex64, which is not read"),
    });
  });

  test("a tensor without elements may lie anywhere, whatever its strides", async () => {
    const file = archive(tensor("K\x04", "K\x03K\0", "K\x01K\x01"));
    expect((await (await readPyTorch(file)).tensors.get("")!.read()).shape).toEqual([3, 0]);
  });

  test("a parameter with attributes of its own is its tensor", async () => {
    const data = tensor("K\0", "K\x04", "K\x01").slice(0, -1);
    const file = archive(`ctorch._utils\n_rebuild_parameter_with_state\n(${data}\x88ccollections\nOrderedDict\n)R}tR.`);
    expect((await readPyTorch(file)).tensors.get("")!.shape).toEqual([4]);
  });

  test("what is written is read, all types and shapes", async () => {
    const types: ElementTypeName[] = ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"];
    const any = fc
      .record({
        dtype: fc.constantFrom(...types),
        shape: fc.array(fc.nat({ max: 4 }), { maxLength: 4 }),
        byte: fc.nat({ max: 255 }),
      })
      .map(
        ({ dtype, shape, byte }) =>
          new SafeTensor(dtype, shape, new Uint8Array(size(shape) * elementBytes(dtype)).fill(byte)),
      );
    const name = fc.oneof(
      fc.constantFrom("__proto__", "constructor", "词嵌入.权重", "a.b", ""),
      fc.string({ unit: "grapheme" }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(name, any), { selector: ([key]) => key, maxLength: 5 }),
        async (entries) => {
          const bytes = writePyTorch(new Map(entries));
          const file = await readPyTorch(bytes);
          expect([...file.tensors.keys()]).toEqual(entries.map(([key]) => key));
          for (const [key, expected] of entries) expect(await file.tensors.get(key)!.read()).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("types that PyTorch lacks are not written", () => {
    expect(() => writePyTorch(new Map([["x", safeTensor("U16", [1], [1])]]))).toThrow(/"x": a tensor of U16/);
  });
});
