import { expectMap, type SafeTensor } from "../checkpoint/safe-tensor.ts";
import { asFloat32 } from "../checkpoint/tensor-numbers.ts";
import { FailureError, few, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { NamedTensor, ParameterStore } from "../tensor/parameter-store.ts";
import { multipliedOut, readTensor, type StateDictTensor } from "./pytorch/reparametrized.ts";

/** Options of `loadStateDict` and `matchStateDict`. */
export interface StateDictOptions {
  /**
   * Prefix of the names in the file that the model does not have: `"module."`, `"model_state_dict.lstm."`. Default: detected, as the
   * one with which most parameters have a tensor.
   */
  readonly prefix?: string | undefined;
  /** Prefix of the names in the model that the file does not have: `"rnn."` to load a bare nn.LSTM. Default "". */
  readonly into?: string | undefined;
}

/** Which tensors of a file belong to which parameters. */
export interface StateDictMatch {
  /** The prefix of the names in the file. */
  readonly prefix: string;
  /** Name in the model → name in the file. */
  readonly names: ReadonlyMap<string, string>;
  /** Parameters of the model without a tensor in the file. */
  readonly missing: readonly string[];
  /** Tensors under the prefix that are not parameters of the model. */
  readonly unexpected: readonly string[];
}

/**
 * Matches the tensors of a file with the parameters of a model. Names differ at most in their prefix.
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
    else if (found === most) best.push(candidate);
  }
  if (most > 0 && best.length > 1)
    throw new UsageError(
      "ambiguous-prefix",
      `prefix: the parameters are found under ${best.map((prefix) => JSON.stringify(prefix)).join(" and ")}; say which is meant`,
    );
  return best[0]!;
}

/**
 * Loads PyTorch weights into the parameters of a model, from `readPyTorch(…).tensors` or `readSafetensors(…).tensors`. Only tensors
 * that the model needs are read. Weights that `weight_norm` or pruning keeps as two tensors are multiplied out, as `open` does.
 * @param options.strict Whether every parameter must be there and every tensor under the prefix be one. Default true.
 * @returns What was found and what was left out.
 * @throws UsageError "missing-parameter", "unexpected-parameter" (strict), "ambiguous-prefix"; ShapeError "shape-mismatch";
 *   FailureError "lossy" when a whole number does not fit in a number of the model
 */
export async function loadStateDict(
  parameters: ParameterStore,
  tensors: ReadonlyMap<string, StateDictTensor>,
  options: StateDictOptions & { readonly strict?: boolean | undefined } = {},
): Promise<StateDictMatch> {
  expectOptions("loadStateDict", options, { prefix: 1, into: 1, strict: 1 });
  const { strict = true, ...how } = options;
  expectMap("loadStateDict: tensors", tensors);
  const plain = await multipliedOut(tensors);
  const match = matchStateDict(parameters.names, plain.keys(), how);
  const given = new Map<string, NamedTensor>();
  for (const [name, source] of match.names) {
    given.set(name, numbersOf(source, await readTensor(plain.get(source)!)));
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
