import { type SafeTensor, safeTensor } from "../../checkpoint/safe-tensor.ts";
import { sameShape, size } from "../../shared/shapes.ts";

/** A tensor that is read on request. */
export interface ReadableTensor {
  /** Type, shape and bytes. */
  read(): Promise<SafeTensor>;
}

/** A tensor of a file, at hand or to be read. */
export type StateDictTensor = SafeTensor | ReadableTensor;

export const readTensor = (tensor: StateDictTensor): SafeTensor | Promise<SafeTensor> =>
  "read" in tensor ? tensor.read() : tensor;

type Product = (a: SafeTensor, b: SafeTensor) => SafeTensor | undefined;

/**
 * How modules keep a weight as two tensors: the name of the first, that of the second and of the weight made of its parts, and the
 * product, undefined for tensors that are something else.
 */
const KEPT_IN_TWO: readonly (readonly [first: RegExp, second: string, weight: string, product: Product])[] = [
  // torch.nn.utils.weight_norm and the one that follows it.
  [/^(.*)_g$/, "$1_v", "$1", normalized],
  [/^(.*\.|)(parametrizations\.(\w+)\.original)0$/, "$1$21", "$1$3", normalized],
  [/^(.*)_orig$/, "$1_mask", "$1", pruned],
];

/** Tensors of reparametrized modules as those of plain ones: such a weight is computed once, as PyTorch does at every call of the module. */
export async function multipliedOut<T extends StateDictTensor>(
  tensors: ReadonlyMap<string, T>,
): Promise<Map<string, T | SafeTensor>> {
  const plain = new Map<string, T | SafeTensor>();
  const seconds: string[] = [];
  for (const [name, tensor] of tensors) {
    const two = firstOfTwo(name);
    const partner = two && !tensors.has(two.weight) ? tensors.get(two.second) : undefined;
    const result = partner && two!.product(await readTensor(tensor), await readTensor(partner));
    if (result) seconds.push(two!.second);
    plain.set(result ? two!.weight : name, result ?? tensor);
  }
  for (const name of seconds) plain.delete(name);
  return plain;
}

/** What belongs to a tensor of this name, if it is the first of two. */
function firstOfTwo(name: string) {
  const [first, second, weight, product] = KEPT_IN_TWO.find(([first]) => first.test(name)) ?? [];
  return first && { second: name.replace(first, second!), weight: name.replace(first, weight!), product: product! };
}

/**
 * g · v / ‖v‖: a length for each row of v, or one for all of it.
 * @see Salimans & Kingma (2016), arXiv:1602.07868
 */
function normalized(g: SafeTensor, v: SafeTensor): SafeTensor | undefined {
  const rows = size(g.shape) === 1 ? 1 : v.shape[0]!;
  // A vector has no rows to normalize: vectors of such names are weights of their own.
  if (v.shape.length < 2 || (rows > 1 && !sameShape(g.shape, [rows, ...v.shape.slice(1).map(() => 1)])))
    return undefined;
  const [lengths, numbers] = [g.toFloat64(), v.toFloat64()];
  const width = numbers.length / rows;
  for (const [row, length] of lengths.entries()) {
    const own = numbers.subarray(row * width, (row + 1) * width);
    const factor = length / Math.sqrt(own.reduce((sum, x) => sum + x * x, 0));
    own.forEach((x, k) => {
      own[k] = x * factor;
    });
  }
  return safeTensor("F32", v.shape, numbers);
}

/** A weight times the mask of torch.nn.utils.prune, whose zeros are what was cut. */
function pruned(weight: SafeTensor, mask: SafeTensor): SafeTensor | undefined {
  if (!sameShape(weight.shape, mask.shape)) return undefined;
  const kept = mask.toFloat64();
  return safeTensor(
    "F32",
    weight.shape,
    weight.toFloat64().map((x, k) => x * kept[k]!),
  );
}
