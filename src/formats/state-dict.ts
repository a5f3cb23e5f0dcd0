import type { SafeTensor } from "../checkpoint/safe-tensor.ts";
import { asFloat32 } from "../checkpoint/tensor-numbers.ts";
import { FailureError, few, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { NamedTensor, ParameterStore } from "../tensor/parameter-store.ts";

export interface StateDictOptions {
  /**
   * What stands before the names in the file and not in the model: `"module."`, `"model_state_dict.lstm."`. Default: found, as
   * the one beginning (up to a dot) with which most parameters of the model have a tensor.
   */
  readonly prefix?: string;
  /** What stands before the names in the model and not in the file: `"rnn."` to load a bare nn.LSTM. Default "". */
  readonly into?: string;
}

/** How the tensors of a file go with the parameters of a model. */
export interface StateDictMatch {
  readonly prefix: string;
  /** Name in the model → name in the file. */
  readonly names: ReadonlyMap<string, string>;
  /** Parameters of the model for which the file has no tensor. */
  readonly missing: readonly string[];
  /** Tensors under the prefix that are no parameters of the model. Those outside it belong to something else. */
  readonly unexpected: readonly string[];
}

/**
 * Finds out which tensor is which parameter. Canonical names, order of gates and layout are PyTorch's, so names differ at most
 * in what stands before them.
 *
 * @throws UsageError "ambiguous-prefix" when the parameters are found equally well under several beginnings
 */
export function matchStateDict(
  parameters: Iterable<string>,
  tensors: Iterable<string>,
  options: StateDictOptions = {},
): StateDictMatch {
  expectOptions("matchStateDict", options, { prefix: 1, into: 1 });
  const { into = "" } = options;
  const wanted = [...parameters];
  const present = new Set(tensors);
  const inFile = (name: string, prefix: string): string | undefined =>
    name.startsWith(into) && present.has(prefix + name.slice(into.length))
      ? prefix + name.slice(into.length)
      : undefined;
  const prefix =
    options.prefix ?? findPrefix([...present], (candidate) => wanted.filter((name) => inFile(name, candidate)).length);
  const names = new Map<string, string>();
  for (const name of wanted) {
    const found = inFile(name, prefix);
    if (found !== undefined) names.set(name, found);
  }
  const used = new Set(names.values());
  return {
    prefix,
    names,
    missing: wanted.filter((name) => !names.has(name)),
    unexpected: [...present].filter((name) => name.startsWith(prefix) && !used.has(name)),
  };
}

function findPrefix(names: readonly string[], score: (prefix: string) => number): string {
  const candidates = new Set([""]);
  for (const name of names)
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1))
      candidates.add(name.slice(0, dot + 1));
  let best: string[] = [""];
  let most = 0;
  for (const candidate of candidates) {
    const found = score(candidate);
    if (found > most) [best, most] = [[candidate], found];
    else if (found === most && found > 0) best.push(candidate);
  }
  if (most > 0 && best.length > 1)
    throw new UsageError(
      "ambiguous-prefix",
      `prefix: the parameters are found under ${best.map((prefix) => JSON.stringify(prefix)).join(" and ")}; say which is meant`,
    );
  return best[0]!;
}

/** A tensor that is read on request. */
export interface ReadableTensor {
  /** Type, shape and bytes. */
  read(): Promise<SafeTensor>;
}

/** A tensor of a file, at hand or to be read. */
export type StateDictTensor = SafeTensor | ReadableTensor;

/**
 * Loads weights of PyTorch into a model: from `readPyTorch(…).tensors` or `readSafetensors(…).tensors`. Only tensors that the
 * model needs are read.
 *
 * @param options.strict Whether every parameter must be there and every tensor under the prefix be one. Default true.
 * @returns What was found and what was left out.
 * @throws UsageError "missing-parameter", "unexpected-parameter" (strict), "ambiguous-prefix"; ShapeError "shape-mismatch";
 *   FailureError "lossy" when a whole number does not fit in a number of the model
 */
export async function loadStateDict(
  parameters: ParameterStore,
  tensors: ReadonlyMap<string, StateDictTensor>,
  options: StateDictOptions & { readonly strict?: boolean } = {},
): Promise<StateDictMatch> {
  expectOptions("loadStateDict", options, { prefix: 1, into: 1, strict: 1 });
  const { strict = true, ...how } = options;
  const match = matchStateDict(parameters.names, tensors.keys(), how);
  const given = new Map<string, NamedTensor>();
  for (const [name, source] of match.names) {
    const tensor = tensors.get(source)!;
    given.set(name, numbersOf(source, "read" in tensor ? await tensor.read() : tensor));
  }
  if (strict && match.unexpected.length > 0 && match.missing.length === 0)
    throw new UsageError(
      "unexpected-parameter",
      `${match.unexpected.length} tensors of the file are no parameters of this model: ${few(match.unexpected)}; give \`strict: false\` to leave them out`,
    );
  parameters.loadTensors(given, { strict });
  return match;
}

function numbersOf(name: string, tensor: SafeTensor): NamedTensor {
  const { shape, dtype } = tensor;
  if (dtype === "F32") return { shape, data: asFloat32(tensor) };
  const data = tensor.toFloat64();
  if (dtype === "I64" || dtype === "U64") {
    const wrong = data.findIndex((value) => !Number.isSafeInteger(value));
    if (wrong >= 0)
      throw new FailureError("lossy", `tensor "${name}": element ${wrong} is beyond 2^53 and would be rounded`);
  }
  return { shape, data };
}
