import { type SafeTensor, safeTensor } from "../../checkpoint/safe-tensor.ts";
import { sameShape, size } from "../../shared/shapes.ts";

/** `NAME_g` and `NAME_v` of torch.nn.utils.weight_norm, `parametrizations.NAME.original0` and `1` of the one that follows it. */
const LENGTH = /^(.*\.)?(?:parametrizations\.(\w+)\.original0|(\w+)_g)$/;

/**
 * Tensors of modules with normalized weights as those of modules without: a weight is the direction of v, as long as g says. It is
 * computed once, as PyTorch does at every call of the module.
 *
 * @see Salimans & Kingma (2016), arXiv:1602.07868
 */
export function withoutWeightNorm(tensors: ReadonlyMap<string, SafeTensor>): ReadonlyMap<string, SafeTensor> {
  const directions = new Set<string>();
  const weights = new Map<string, SafeTensor>();
  for (const [name, g] of tensors) {
    const [, path = "", ofNow, ofThen] = LENGTH.exec(name) ?? [];
    const direction = ofNow ? name.replace(/0$/, "1") : name.replace(/_g$/, "_v");
    const v = (ofNow ?? ofThen) && tensors.get(direction);
    const weight = v ? scaled(v, g) : undefined;
    if (weight) directions.add(direction);
    weights.set(weight ? path + (ofNow ?? ofThen) : name, weight ?? g);
  }
  for (const name of directions) weights.delete(name);
  return weights;
}

/** g · v / ‖v‖: a length for each row of v, or one for all of it; undefined for tensors that are something else. */
function scaled(v: SafeTensor, g: SafeTensor): SafeTensor | undefined {
  const rows = size(g.shape) === 1 ? 1 : v.shape[0]!;
  if (size(v.shape) === 0 || (rows > 1 && !sameShape(g.shape, [rows, ...v.shape.slice(1).map(() => 1)])))
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
