import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ElementTypeName } from "../../src/checkpoint/element-types.ts";
import { SafeTensor, safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { bytesSource } from "../../src/formats/byte-source.ts";
import { elementBytes } from "../../src/formats/element-bytes.ts";
import { readPyTorch } from "../../src/formats/pytorch/read.ts";
import { writePyTorch } from "../../src/formats/pytorch/write.ts";
import { openZip } from "../../src/formats/zip.ts";
import { writeZip } from "../../src/formats/zip-write.ts";
import { size } from "../../src/shared/shapes.ts";

/** An archive around a pickle, given as text whose characters are its bytes. */
function archive(
  pickle: string,
  storages: Record<string, Uint8Array> = { 0: new Uint8Array(16) },
  texts: Record<string, string> = {},
): Uint8Array {
  const files = new Map<string, Uint8Array>([["a/data.pkl", Uint8Array.from(pickle, (c) => c.charCodeAt(0))]]);
  for (const [key, bytes] of Object.entries(storages)) files.set(`a/data/${key}`, bytes);
  for (const [name, text] of Object.entries(texts)) files.set(`a/${name}`, new TextEncoder().encode(text));
  return writeZip(files);
}

const STORAGE = "(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQ";
const TENSOR = `ctorch._utils\n_rebuild_tensor_v2\n(${STORAGE}K\0(K\x02t(K\x01t\x89NtR`;
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
    [
      "numbers and text of protocol 0, as Python prints them",
      '(I-5\nI00\nL-7L\nFinf\nF-1e-05\nF2.\nVx\\U0001f600y\nS"it\'s\\t\\\\"\nt.',
      [-5, false, -7, Infinity, -1e-5, 2, "x😀y", "it's\t\\"],
    ],
    [
      "truth values and lengths of four bytes",
      "\x80\x02(\x88\x89\x8b\x01\0\0\0\xfeT\x01\0\0\0\xe9t.",
      [true, false, -2, "é"],
    ],
    ["text with a mark of its order of bytes", "X\x03\0\0\0\xef\xbb\xbf.", "\ufeff"],
    [
      "long text of Python 2",
      `T\x10\x27\0\0${"abcdefg".repeat(1429).slice(0, 10_000)}.`,
      "abcdefg".repeat(1429).slice(0, 10_000),
    ],
    ["values that are dropped up to a mark", "K\x01(K\x02K\x031(0.", 1],
    ["bytes of protocol 2", "c_codecs\nencode\n(X\x02\0\0\0\xc3\xbfX\x06\0\0\0latin1tR.", Uint8Array.of(255)],
    ["no bytes of protocol 2", "c__builtin__\nbytes\n)R.", new Uint8Array()],
    ["bytearrays of protocol 2", "c__builtin__\nbytearray\n(X\x01\0\0\0\x07X\x07\0\0\0latin-1tR.", Uint8Array.of(7)],
    ["bytearrays of protocol 3", "\x80\x03cbuiltins\nbytearray\nC\x01\x07\x85R.", Uint8Array.of(7)],
    [
      "collections made of others",
      "(cbuiltins\nset\n](K\x01K\x02e\x85Rcbuiltins\nlist\n(K\x03\x91\x85Rt.",
      [new Set([1, 2]), [3]],
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
    const pickle = "(ctorch\nbfloat16\nctorch\ndevice\nU\x04cudaK\x01\x86Rctorch\ndevice\nU\x03cpu\x85Rt.";
    const words = (await read(pickle)) as { pickleName: string }[];
    expect(words.map(({ pickleName }) => pickleName)).toEqual(["torch.bfloat16", "cuda:1", "cpu"]);
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
    ["a state of NumPy's that is none", "cnumpy\ndtype\n(U\x02f8tR}b.", /have the byte order nothing/],
    [
      "a number of NumPy's made of text",
      numpy("f8", "<", "").replace("C\0", "U\x08abcdefgh"),
      /NumPy's in it is made of/,
    ],
    ["complex numbers", "ctorch\nComplexFloatStorage\n.", /save real and imaginary parts apart/],
    ["quantized numbers", "ctorch\nQInt8Storage\n.", /call dequantize\(\)/],
    ["a module of TorchScript", "c__torch__.mine\nNet\n.", /it is a TorchScript module/],
    ["a function of PyTorch's", "ctorch.nn\nLinear\n.", /"torch\.nn\.Linear", which is code and not data/],
    [
      "a function of NumPy's",
      "cnumpy.random\nRandomState\n.",
      /"numpy\.random\.RandomState", which is code and not data/,
    ],
    ["a function of other names", "cos\nsystem\n.", /if it is a model's own class/],
    ["a later protocol", "\x80\x06N.", /protocol 6; 0 to 5/],
    ["a whole number that is none", "I1x\n.", /stands where a whole number should/],
    ["a number that is none", "F1.x\n.", /stands where a number should/],
    ["an index that is none", "gx\n.", /stands where an index should/],
    ["a character that does not exist", "V\\U00110000\n.", /character in it does not exist/],
    ["text without quotes", "Sa\n.", /stands where a string should/],
    ["text of protocol 0 that is not printable", "S'\x01'\n.", /stands where a string should/],
    ["an escape that is none", "S'\\q'\n.", /stands where a string should/],
    ["text of negative length", "T\xff\xff\xff\xff.", /negative length/],
    ["a whole number of negative length", "\x8b\xff\xff\xff\xff.", /takes -1 bytes/],
    ["a length beyond 2^53", "\x8d\0\0\0\0\0\0\x20\0.", /a length in it is 9007199254740992 bytes/],
    ["a line without end", `V${"a".repeat(5000)}`, /a line in it does not end/],
    ["a line that is cut", "Va", /cut short/],
    ["a line that is too long", `V${"a".repeat(5000)}\n.`, /longer than 4096/],
    ["something added to no set", "](K\x01\x90.", /adds to a set that is an array/],
    ["a name that is a number", "\x80\x04\x8c\x01aK\x01\x93.", /asks for something without a name/],
    ["a module that is a number", "\x80\x04K\x01\x8c\x01a\x93.", /asks for something without a name/],
    ["a storage named by text", "Pabc\n.", /outside the pickle, which is no storage/],
    ["a storage that is something else", "U\x05tokenQ.", /refers to the string "token" outside the pickle/],
    ["a module with its code", "U\x06moduleN\x86Q.", /whole module with its source code/],
    ["a storage of no type", "(U\x07storageK\x01U\x010U\x03cpuK\x04tQ.", /a storage in it is of 1/],
    ["a storage of a type of tensors", "(U\x07storagectorch\nfloat32\nU\x010U\x03cpuK\x04tQ.", /a storage in it is of/],
    ["a storage without a name", STORAGE.replace("U\x010", "K\0"), /has the key 0/],
    ["a storage of two types", `(${STORAGE}${STORAGE.replace("Float", "Int")}t.`, /described in two ways/],
    ["a storage of two lengths", `(${STORAGE}${STORAGE.replace("K\x04", "K\x03")}t.`, /described in two ways/],
    ["an instance", "(iposix\nsystem\n.", /"posix\.system"/],
    ["an instance of what is allowed", "(icollections\nOrderedDict\n.", /makes an object of collections\.OrderedDict/],
    ["an object of old", "(o.", /makes an object of a class/],
    ["an object with arguments by name", "\x92.", /makes an object of a class/],
    ...["\x82", "\x83", "\x84"].map((code): [string, string, RegExp] => [
      `extension ${code}`,
      code,
      /extension registry/,
    ]),
    ...["\x97", "\x98"].map((code): [string, string, RegExp] => [`buffer ${code}`, code, /buffer outside the file/]),
    ["an end without a value", ".", /takes a value where there is none/],
    ["a double of nothing", "2.", /takes a value where there is none/],
    ["a tuple of too few", "K\x01\x86.", /takes a value where there is none/],
    ["a drop of nothing", "0.", /closes what it did not open/],
    [
      "a call with something else than arguments",
      "ccollections\nOrderedDict\nK\x01R.",
      /it calls collections\.OrderedDict/,
    ],
    ["a dictionary of a number", "ccollections\nOrderedDict\nK\x05\x85R.", /makes a collection of 5/],
    ["a dictionary of numbers", "ccollections\nOrderedDict\n]K\x05a\x85R.", /something else than pairs/],
    ["a dictionary of threes", "ccollections\nOrderedDict\n]NNN\x87a\x85R.", /something else than pairs/],
    ["a collection of two", "cbuiltins\nlist\n]]\x86R.", /makes a collection/],
    ["bytes above 255", "c_codecs\nencode\n(X\x02\0\0\0\xc4\x80X\x06\0\0\0latin1tR.", /above 255/],
    ["a number that is encoded", "c_codecs\nencode\n(K\x01U\x06latin1tR.", /it encodes 1 as/],
    ["a device whose index is text", "ctorch\ndevice\n(U\x04cudaU\x01xtR.", /torch\.device in it has no name/],
    ["a parameter that is none", "ctorch._utils\n_rebuild_parameter\n(K\x05\x88NtR.", /a parameter in it is 5/],
    ["two tensors of one name", `(U\x01a}(U\x01b${TENSOR}uU\x03a.b${TENSOR}d.`, /two tensors in it are named "a\.b"/],
    ["what is nested without end", `${"]".repeat(102)}${"a".repeat(101)}.`, /nested more than 100 deep/],
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

  const long = "a".repeat(0x1234);
  const list = `](${"N".repeat(5000)}e`;
  test.each<[string, string, string]>([
    ["text as bytes", "_codecs\nencode", `(X\x34\x12\0\0${long}U\x06latin1t`],
    ["bytes", "builtins\nbytes", `B\x34\x12\0\0${long}\x85`],
    ["a list", "builtins\nlist", `${list}\x85`],
    [
      "a set",
      "builtins\nset",
      `(${Array.from({ length: 5000 }, (_, k) => `M${String.fromCharCode(k & 255, k >> 8)}`).join("")}\x91\x85`,
    ],
    [
      "a dictionary",
      "collections\nCounter",
      `}(${Array.from({ length: 5000 }, (_, k) => `M${String.fromCharCode(k & 255, k >> 8)}N`).join("")}u\x85`,
    ],
  ])("copies of %s that multiply are refused in good time", async (_, name, args) => {
    const pickle = `c${name}\nq\0${args}q\x01${"h\0h\x01R0".repeat(500)}(t.`;
    await expect(read(pickle)).rejects.toMatchObject({ message: expect.stringContaining("far more data") });
  });

  test.each<[string, string, RegExp]>([
    ["values", "N".repeat(1_000_001), /more than 1000000 values at once/],
    ["marks", "(".repeat(1_000_001), /nested too deep/],
    ["containers", "]0".repeat(1_000_001), /more than 1000000 lists and dictionaries/],
    ["memories", `N${"\x94".repeat(4_000_001)}`, /remembers more than 4000000 values/],
    [
      "references",
      `${Array.from({ length: 30 }, (_, k) => `](${k === 0 ? "NN" : `h${String.fromCharCode(k - 1)}`.repeat(2)}eq${String.fromCharCode(k)}0`).join("")}h\x1d.`,
      /own parts more than 1000000 times/,
    ],
  ])("%s without end are refused", async (_, pickle, message) => {
    await expect(read(pickle)).rejects.toMatchObject({ message: expect.stringMatching(message) });
  });
});

describe("tensors", () => {
  /** A tensor that was given attributes in Python. */
  const attributed = (
    type: string,
    how = "ctorch._utils\n_rebuild_tensor_v2\n",
    args = `(${STORAGE}K\0(K\x02t(K\x01t\x89Nt`,
  ): string => `ctorch._tensor\n_rebuild_from_type_v2\n(${how}${type}${args}}tR.`;
  /** One in a storage that is a part of another, as before PyTorch 0.4. */
  const partOf = (part: string): string => tensor("K\x01", "K\x01", "K\x01").replace("K\x04tQ", `K\x04${part}tQ`);

  const tensor = (offset: string, shape: string, strides: string): string =>
    `ctorch._utils\n_rebuild_tensor_v2\n(${STORAGE}${offset}(${shape}t(${strides}t\x89NtR.`;

  test.each<[string, string, RegExp]>([
    ["an offset past the end", tensor("K\x04", "K\x01", "K\x01"), /leads past its storage/],
    ["a negative offset", tensor("J\xff\xff\xff\xff", "K\x01", "K\x01"), /offset/],
    ["a negative stride", tensor("K\x03", "K\x02", "J\xff\xff\xff\xff"), /strides/],
    ["an expansion to terabytes", tensor("K\0", "\x8a\x06\0\0\0\0\0\x01", "K\0"), /would expand/],
    ["no storage", tensor("K\0", "K\x01", "K\x01").replace(STORAGE, "K\x05"), /lies in 5, which is no storage/],
    ["a stride too few", tensor("K\0", "K\x02K\x02", "K\x01"), /has 2 sizes but 1 strides/],
    [
      "a shape that is a number",
      tensor("K\0", "K\x01", "K\x01").replace("(K\x01t(", "K\x01("),
      /shape of a tensor in it is 1/,
    ],
    ["a size that is text", tensor("K\0", "U\x01a", "K\x01"), /has the entry the string "a"/],
    ["65 axes", tensor("K\0", "K\x01".repeat(65), "K\x01".repeat(65)), /shape of a tensor in it is an array of 65/],
    [
      "another dtype than its storage's",
      `ctorch._utils\n_rebuild_tensor_v3\n(${STORAGE}K\0(K\x01t(K\x01t\x89Nctorch\nfloat64\ntR.`,
      /another dtype than its storage/,
    ],
    [
      "no dtype at all",
      tensor("K\0", "K\x01", "K\x01").replace("ctorch\nFloatStorage", "ctorch\nUntypedStorage"),
      /has no dtype/,
    ],
    ["a class of its own", attributed("cos\nsystem\n"), /os\.system/],
    ["something as its class", attributed("K\x01"), /tensor of a class of its own/],
    ["a function as its class", attributed("ctorch\nSize\n"), /tensor of a class of its own/],
    [
      "a type in place of what makes it",
      attributed("ctorch\nTensor\n", "ctorch\nTensor\n"),
      /tensor of a class of its own/,
    ],
    ["something in place of what makes it", attributed("ctorch\nTensor\n", "K\x01"), /tensor of a class of its own/],
    [
      "another maker",
      attributed("ctorch\nTensor\n", "cbuiltins\nlist\n", ")"),
      /a parameter in it is an array of 0, which is no tensor/,
    ],
    [
      "something in place of its parts",
      attributed("ctorch\nTensor\n", "cbuiltins\nlist\n", "K\x01"),
      /tensor of a class of its own/,
    ],
    ["a part of a storage that is none", partOf("K\x01"), /a part of a storage in it is 1/],
    ["a part that is too long", partOf("(U\x01aK\x02K\x03t"), /leads past its end/],
    ["a part of four words", partOf("(U\x01aK\x02K\x02Nt"), /leads past its end/],
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

  const tar = Uint8Array.from({ length: 512 }, (_, k) => "ustar".charCodeAt(k - 257) || 97);
  test.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(), "the given bytes: it is empty"],
    ["a text", new Uint8Array(600).fill(97), "the given bytes: it is no file of torch.save"],
    ["an archive of PyTorch before 0.1.10", tar, "the given bytes: it is of PyTorch's first format (tar"],
  ])("%s is no file of torch.save", async (_, bytes, message) => {
    await expect(readPyTorch(bytes)).rejects.toMatchObject({
      ...{ code: "bad-pytorch", message: expect.stringContaining(message) },
    });
  });

  test("a legacy file that is too short or too long is refused", async () => {
    const path = fileURLToPath(new URL("../golden/torch-pt/rnn_legacy.pt", import.meta.url));
    const file = Uint8Array.from(readFileSync(path));
    await expect(readPyTorch(file.slice(0, -1))).rejects.toMatchObject({ message: expect.stringMatching(/cut short/) });
    const longer = Uint8Array.from([...file, 0]);
    await expect(readPyTorch(longer)).rejects.toMatchObject({ message: expect.stringMatching(/1 bytes follow/) });
  });

  const head = ["\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19", "M\xe9\x03", "}"] as const;
  const legacy = (...pickles: readonly string[]): Uint8Array =>
    Uint8Array.from(Buffer.from(pickles.map((one) => `\x80\x02${one}.`).join(""), "latin1"));

  test.each([70_000, 300_000])("a legacy file may say %i bytes before its numbers begin", async (length) => {
    const size = String.fromCharCode(...new Uint8Array(Uint32Array.of(length).buffer));
    const file = legacy(...head, `X${size}${"a".repeat(length)}`, "]");
    expect((await readPyTorch(file)).value).toBe("a".repeat(length));
    const cut = file.subarray(0, -3);
    await expect(readPyTorch(cut)).rejects.toMatchObject({ message: expect.stringMatching(/pickle is cut short/) });
  });

  test.each<[string, readonly string[], RegExp]>([
    ["another number at its beginning", ["K\x01"], /does not begin with PyTorch's magic number/],
    ["another protocol", [head[0], "M\xe8\x03"], /protocol 1000; 1001 is read/],
    ["no machine", [head[0], head[1], "]"], /third pickle is no dictionary/],
    ["no list of storages", [...head, "N", "N"], /no list of its storages/],
    ["a list of other things", [...head, "N", "](U\x01aK\x01e"], /no list of its storages/],
    ["a storage that no tensor uses", [...head, "N", "](U\x01ae"], /storage "a", which no tensor uses/],
  ])("a legacy file with %s is refused", async (_, pickles, message) => {
    await expect(readPyTorch(legacy(...pickles))).rejects.toMatchObject({ message: expect.stringMatching(message) });
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

  test("a tensor with attributes of its own is a tensor", async () => {
    for (const type of ["torch\nTensor", "torch.nn.parameter\nParameter"])
      expect((await readPyTorch(archive(attributed(`c${type}\n`)))).tensors.get("")!.shape).toEqual([2]);
  });

  test("a part of a storage begins where it says, in the order of bytes that the archive says", async () => {
    const numbers = Float32Array.of(1, 2, 3, 4);
    const read = async (part: string, order: string, bytes: Uint8Array) => {
      const file = await readPyTorch(archive(partOf(part), { 0: bytes }, { byteorder: order }));
      return (await file.tensors.get("")!.read()).toFloat64();
    };
    const little = new Uint8Array(numbers.buffer);
    expect(await read("N", "little", little)).toEqual(Float64Array.of(2));
    expect(await read("(U\x01aK\x02K\x02t", "little", little)).toEqual(Float64Array.of(4));
    const big = new Uint8Array(Uint8Array.from(little).reverse());
    expect(await read("(U\x01aK\x01K\x02t", "big", big)).toEqual(Float64Array.of(2));
    for (const order of ["middle", "a".repeat(20)])
      await expect(read("N", order, little)).rejects.toThrow(/byte order is .*; expected little or big/);
  });

  test("all tensors are named by the way to them", async () => {
    const list = `](${TENSOR}Ne`;
    const pickle = `(U\x01a${list}K\x02}U\x01b${TENSOR}sK\x03N\x86(${TENSOR}\x91N${list}U\x01cctorch\nfloat32\nd.`;
    const { tensors } = await readPyTorch(archive(pickle));
    expect([...tensors.keys()]).toEqual(["a.0", "2.b", "(3).0", "null.0"]);
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

  test("numbers begin at multiples of 64 bytes, and the order of their bytes is said", async () => {
    const shared = safeTensor("F32", [2, 3], [1, 2, 3, 4, 5, 6]);
    const bytes = writePyTorch(new Map(["a", "b"].map((name) => [name, shared])));
    expect(Buffer.from(bytes).indexOf(shared.bytes) % 64).toBe(0);
    const zip = await openZip(bytesSource(bytes));
    expect([...zip.entries.keys()]).toEqual(["data.pkl", "byteorder", "data/0", "version"].map((k) => `archive/${k}`));
    const text = async (name: string) => new TextDecoder().decode(await zip.read(`archive/${name}`));
    expect([await text("byteorder"), await text("version")]).toEqual(["little", "3\n"]);
  });

  test("types that PyTorch lacks are not written", () => {
    expect(() => writePyTorch(new Map([["x", safeTensor("U16", [1], [1])]]))).toThrow(/"x": a tensor of U16/);
  });
});
