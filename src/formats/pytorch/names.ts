import type { ElementTypeName } from "../../checkpoint/element-types.ts";
import { describe } from "../../shared/errors.ts";
import { PyTorchConstant, type PyTorchLeaf, type Value } from "./constants.ts";
import { numpyScalar, numpyType } from "./numpy.ts";
import { isName, type PickleName } from "./pickle.ts";
import { quote, refuse } from "./refuse.ts";
import { Storage, TensorView } from "./storage.ts";
import { storageTypes } from "./storage-types.ts";

/** The name of a storage type, which also says what numbers it holds. */
export interface StorageType extends PickleName<PyTorchLeaf> {
  readonly storageType: ElementTypeName | "bytes";
}

type Call = NonNullable<PickleName<PyTorchLeaf>["call"]>;

/** torch's dtypes; those without one of ours may be mentioned, but no tensor of them is read. */
const DTYPES: Readonly<Record<string, ElementTypeName | undefined>> = {
  float64: "F64",
  double: "F64",
  float32: "F32",
  float: "F32",
  float16: "F16",
  half: "F16",
  bfloat16: "BF16",
  int64: "I64",
  long: "I64",
  int32: "I32",
  int: "I32",
  int16: "I16",
  short: "I16",
  int8: "I8",
  uint8: "U8",
  uint16: "U16",
  uint32: "U32",
  uint64: "U64",
  bool: "BOOL",
  float8_e4m3fn: "F8_E4M3",
  float8_e5m2: "F8_E5M2",
  float8_e4m3fnuz: "F8_E4M3FNUZ",
  float8_e5m2fnuz: "F8_E5M2FNUZ",
  complex64: undefined,
  complex128: undefined,
};

/** The allow-list. Everything here builds data and nothing else; what it does not name is refused. */
const ALLOWED: ReadonlyMap<string, PickleName<PyTorchLeaf>> = new Map(
  [
    callable("collections.OrderedDict", dictionary),
    // Of a schedule: how often the rate falls at each of its steps.
    callable("collections.Counter", dictionary),
    // Options of a model of PyTorch Lightning.
    ...[
      "pytorch_lightning.utilities.parsing",
      "lightning_fabric.utilities.data",
      "lightning.fabric.utilities.data",
    ].map((module) => callable(`${module}.AttributeDict`, dictionary)),
    callable("numpy.dtype", numpyType),
    ...["core", "_core"].map((core) => callable(`numpy.${core}.multiarray.scalar`, numpyScalar)),
    ...["__builtin__", "builtins"].flatMap((module) => [
      callable(`${module}.dict`, dictionary),
      callable(`${module}.list`, (args, spend) => [...items(args, spend)]),
      callable(`${module}.tuple`, (args, spend) => [...items(args, spend)]),
      callable(`${module}.set`, (args, spend) => new Set(items(args, spend))),
      callable(`${module}.frozenset`, (args, spend) => new Set(items(args, spend))),
      callable(`${module}.bytearray`, bytes),
      callable(`${module}.bytes`, bytes),
      callable(`${module}.complex`, () => refuse("it holds a complex number (complex), which is not read")),
    ]),
    callable("_codecs.encode", encode),
    callable("torch.Size", (args, spend) => sizes([...items(args, spend)], "a torch.Size")),
    callable("torch.device", device),
    ...["_rebuild_tensor", "_rebuild_tensor_v2"].map((name) =>
      callable(`torch._utils.${name}`, (args) => tensor(args)),
    ),
    callable("torch._utils._rebuild_tensor_v3", (args) => tensor(args, args[6])),
    ...["_rebuild_parameter", "_rebuild_parameter_with_state"].map((name) =>
      callable(`torch._utils.${name}`, ([data]) => expectTensor(data)),
    ),
    callable("torch._tensor._rebuild_from_type_v2", fromType),
    { pickleName: "torch.Tensor" },
    { pickleName: "torch.nn.parameter.Parameter" },
    new PyTorchConstant("layout", "torch.strided"),
    ...Object.entries(storageTypes).map(([name, storageType]) => ({ pickleName: `torch.${name}`, storageType })),
    ...["torch.storage.UntypedStorage", "torch.UntypedStorage"].map((pickleName) => ({
      pickleName,
      storageType: "bytes" as const,
    })),
    ...Object.entries(DTYPES).map(([name, dtype]) => new PyTorchConstant("dtype", `torch.${name}`, dtype)),
  ].map((entry: PickleName<PyTorchLeaf>) => [entry.pickleName, entry]),
);

/** @throws FailureError "bad-pytorch" for every name that is not on the list */
export function allowedName(module: string, name: string): PickleName<PyTorchLeaf> {
  const full = `${module}.${name}`;
  const found = ALLOWED.get(full);
  if (found) return found;
  if (/^torch\.Complex\w*Storage$/.test(full))
    return refuse(`it holds complex numbers (${full}), which are not read; save real and imaginary parts apart`);
  if (/^torch\.Q\w*Storage$|_rebuild_qtensor$/.test(full))
    return refuse(`it holds a quantized tensor (${full}), which is not read; call dequantize() before saving`);
  if (full.startsWith("__torch__."))
    return refuse(`it is a TorchScript module (${quote(full)}); save model.state_dict() with torch.save instead`);
  if (/^numpy\..*\.(_reconstruct|_frombuffer)$/.test(full))
    return refuse(`it holds an array of NumPy's (${full}), which is not read; save it as a tensor (torch.from_numpy)`);
  if (full.startsWith("torch.") || full.startsWith("numpy."))
    return refuse(
      `it holds a pickled object of ${quote(full)}, which is code and not data; save model.state_dict() instead of the model`,
    );
  return refuse(
    `it asks for ${quote(full)}, which is not data, and nothing a file asks for is run; if it is a model's own class, save model.state_dict() instead`,
  );
}

function callable(pickleName: string, call: Call): PickleName<PyTorchLeaf> {
  return { pickleName, call };
}

function dictionary(args: readonly Value[], spend: (work: number) => void): Value {
  const map = new Map<Value, Value>();
  const [pairs] = args;
  const list = pairs instanceof Map ? [...pairs] : items(args, spend);
  for (const pair of list) {
    if (!Array.isArray(pair) || pair.length !== 2)
      return refuse("a dictionary in it is made of something else than pairs");
    map.set(pair[0]!, pair[1]!);
  }
  spend(list.length);
  return map;
}

/** What an iterable argument holds. */
function items(args: readonly Value[], spend: (work: number) => void): readonly Value[] {
  const [list = []] = args;
  if (args.length > 1 || !(Array.isArray(list) || list instanceof Set))
    return refuse(`it makes a collection of ${describe(list)}`);
  spend(Array.isArray(list) ? list.length : list.size);
  return [...list];
}

/** How Python 3 writes bytes in protocol 2: text whose characters are the bytes. */
function encode([text, encoding]: readonly Value[], spend: (work: number) => void): Value {
  if (typeof text !== "string" || !(encoding === "latin1" || encoding === "latin-1"))
    return refuse(`it encodes ${describe(text)} as ${describe(encoding)}; only text as latin1 is data`);
  spend(text.length);
  return Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? code : refuse("bytes in it have a value above 255");
  });
}

/** Of nothing, of bytes, or in protocol 2 of such text and its encoding. */
function bytes(args: readonly Value[], spend: (work: number) => void): Value {
  const [value = new Uint8Array(0)] = args;
  if (!(value instanceof Uint8Array)) return encode(args, spend);
  spend(value.length);
  return value.slice();
}

function device([name, index]: readonly Value[]): Value {
  if (typeof name !== "string" || !(index === undefined || typeof index === "number"))
    return refuse("a torch.device in it has no name");
  return new PyTorchConstant("device", index === undefined ? name : `${name}:${index}`);
}

/** PyTorch itself allows 64 dimensions. */
const MAX_RANK = 64;

export function sizes(value: Value | undefined, what: string): number[] {
  if (!Array.isArray(value) || value.length > MAX_RANK) return refuse(`${what} in it is ${describe(value)}`);
  return value.map((extent) => {
    if (!Number.isSafeInteger(extent) || (extent as number) < 0)
      return refuse(`${what} in it has the entry ${describe(extent)}; expected whole numbers from 0 on`);
    return extent as number;
  });
}

function tensor([storage, offset, shape, strides]: readonly Value[], dtypeName?: Value): TensorView {
  if (!(storage instanceof Storage)) return refuse(`a tensor in it lies in ${describe(storage)}, which is no storage`);
  const layout = {
    offset: sizes([offset!], "the offset of a tensor")[0]!,
    shape: sizes(shape, "the shape of a tensor"),
    strides: sizes(strides, "the list of strides of a tensor"),
  };
  if (layout.shape.length !== layout.strides.length)
    refuse(`a tensor in it has ${layout.shape.length} sizes but ${layout.strides.length} strides`);
  const named = dtypeName instanceof PyTorchConstant ? dtypeName : undefined;
  if (named && named.dtype === undefined) return refuse(`a tensor in it is of ${named.pickleName}, which is not read`);
  const dtype = named?.dtype ?? storage.dtype;
  if (dtype === "bytes") return refuse("a tensor in it has no dtype");
  if (storage.dtype !== "bytes" && storage.dtype !== dtype)
    return refuse("a tensor in it has another dtype than its storage");
  return new TensorView(storage, dtype, layout);
}

function expectTensor(value: Value | undefined): TensorView {
  return value instanceof TensorView ? value : refuse(`a parameter in it is ${describe(value)}, which is no tensor`);
}

/** A tensor that was given attributes in Python: `(how, class, arguments, attributes)`. The attributes are left out. */
function fromType([how, type, args]: readonly Value[], spend: (work: number) => void): Value {
  const plain = isName<PyTorchLeaf>(type) && ["torch.Tensor", "torch.nn.parameter.Parameter"].includes(type.pickleName);
  if (!plain || !isName<PyTorchLeaf>(how) || !how.call || !Array.isArray(args))
    return refuse("it holds a tensor of a class of its own, which is not data");
  return expectTensor(how.call(args, spend));
}
