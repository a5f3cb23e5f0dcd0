import { describe, ShapeError, UsageError } from "../shared/errors.ts";
import { formatShape, sameShape } from "../shared/shapes.ts";
import { expectTensor, Graph, type Tensor } from "../tensor/graph.ts";

/**
 * Returns one of the numbers that a function `record` gives: a loss, a metric.
 * @param recorded what came in the place of them all, to be named where there is no such number
 * @throws UsageError "bad-option"; ShapeError "shape-mismatch"
 */
export function expectNumber(name: string, tensor: Tensor | undefined, recorded?: unknown): Tensor {
  if (!isTensor(tensor)) {
    const got = tensor === undefined ? describeRecorded(recorded) : describe(tensor);
    throw new UsageError("bad-option", `record: expected { ${name} }, a tensor of shape [], got ${got}`);
  }
  expectTensor(`record: ${name}`, tensor, []);
  return tensor;
}

/** Records that states of the next run are what this run ends with. @throws UsageError "bad-option"; ShapeError "shape-mismatch" */
export function carryStates(graph: Graph, carry: readonly (readonly [from: Tensor, to: Tensor])[] = []): void {
  if (!Array.isArray(carry) || carry.some((pair) => !Array.isArray(pair)))
    throw new UsageError(
      "bad-option",
      `record: carry: expected pairs such as [[final.h, h]] with h from \`graph.state\`, got ${describe(carry)}`,
    );
  for (const [from, to] of carry) {
    expectTensor("record: carry", from);
    const name = Object.keys(graph.states).find((one) => graph.states[one]!.range === to?.range);
    if (name === undefined)
      throw new UsageError(
        "bad-option",
        "record: carry: expected the second of each pair to be a state of this graph, `graph.state(name, shape)`",
      );
    if (!sameShape(from.shape, to.shape))
      throw new ShapeError(
        "shape-mismatch",
        `record: carry: state "${name}" has shape ${formatShape(to.shape)}, what it is to become ${formatShape(from.shape)}`,
      );
    graph.copy(from.range, to.range);
  }
}

function describeRecorded(recorded: unknown): string {
  return isTensor(recorded) ? "the tensor itself; return it by its name" : describe(recorded);
}

const isTensor = (given: unknown): given is Tensor =>
  (given as Partial<Tensor> | null | undefined)?.graph instanceof Graph;
