import { binaryCrossEntropy } from "../../../src/losses/binary-cross-entropy.ts";
import { type CrossEntropyOptions, crossEntropy } from "../../../src/losses/cross-entropy.ts";
import {
  type ConnectionistTemporalClassificationOptions,
  connectionistTemporalClassification,
} from "../../../src/losses/ctc.ts";
import { gaussianLoss } from "../../../src/losses/gaussian.ts";
import { huber, smoothL1 } from "../../../src/losses/huber.ts";
import { type KlDivergenceOptions, klDivergence } from "../../../src/losses/kl-divergence.ts";
import { linearCrossEntropy } from "../../../src/losses/linear-cross-entropy.ts";
import { meanAbsoluteError } from "../../../src/losses/mean-absolute-error.ts";
import { meanSquaredError } from "../../../src/losses/mean-squared-error.ts";
import { negativeBinomialLoss } from "../../../src/losses/negative-binomial.ts";
import { pinball } from "../../../src/losses/pinball.ts";
import type { LossOptions } from "../../../src/losses/reduction.ts";
import { studentTLoss } from "../../../src/losses/student-t.ts";
import type { Graph, Tensor } from "../../../src/tensor/graph.ts";
import { type EffectTable, type OptionEffects, shows } from "./effects.ts";
import { compute, given, numbers, whole } from "./on-reference.ts";

/** A tensor of a graph that is not there yet. */
type Later<O> = { readonly [K in keyof O]: Tensor extends O[K] ? O[K] | ((graph: Graph) => Tensor) : O[K] };
const now = <O extends object>(graph: Graph, options: Later<O>): O =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, typeof value === "function" ? value(graph) : value]),
  ) as O;

const constant = (shape: readonly number[], data: readonly number[]) => (graph: Graph) => graph.constant(shape, data);
const mask = constant([2, 2], [1, 0, 1, 1]);
const positive = (graph: Graph): Tensor => graph.constant([2, 2], [0.5, 1, 2, 1.5]);
const common = { reduction: ["sum"], mask: [mask] } as const;

/** A loss of predictions [2, 2] and their targets. */
function elementwise<O extends object = LossOptions>(
  loss: (prediction: Tensor, target: Tensor, options: O) => Tensor,
  more: object = {},
  base: object = {},
): OptionEffects {
  const observe = (options: Later<O>) =>
    compute((graph) => loss(given(graph, [2, 2]), graph.constant([2, 2], [0.5, 0, 3, 1]), now<O>(graph, options)));
  return shows(observe as (options: object) => unknown, base, { ...common, ...more });
}

const ofClasses = {
  ...common,
  weight: [constant([3], [1, 2, 3])],
  labelSmoothing: [0.1],
  ignoreIndex: [2],
} as const;

export const losses: EffectTable = {
  meanSquaredError: elementwise(meanSquaredError),
  meanAbsoluteError: elementwise(meanAbsoluteError),
  binaryCrossEntropy: elementwise(binaryCrossEntropy, { positiveWeight: [constant([2], [2, 3])] }),
  huber: elementwise(huber, { delta: [0.1] }),
  smoothL1: elementwise(smoothL1, { beta: [0.1] }),
  pinball: elementwise(pinball, { level: [0.9] }, { level: 0.5 }),
  gaussianLoss: elementwise((location, y, options) => gaussianLoss({ location, scale: positive(y.graph) }, y, options)),
  studentTLoss: elementwise((location, y, options) =>
    studentTLoss(
      { location, scale: positive(y.graph), degreesOfFreedom: y.graph.constant([2, 2], [3, 4, 5, 6]) },
      y,
      options,
    ),
  ),
  negativeBinomialLoss: elementwise(({ graph }, _, options) => {
    return negativeBinomialLoss(
      { mean: positive(graph), dispersion: positive(graph) },
      graph.constant([2, 2], [1, 0, 2, 3]),
      options,
    );
  }),
  klDivergence: elementwise<KlDivergenceOptions>(klDivergence, { logTarget: [true] }),
  crossEntropy: shows(
    ((options: Later<CrossEntropyOptions>) =>
      compute((graph) =>
        crossEntropy(
          given(graph, [2, 2, 3]),
          whole(graph, [2, 2], [0, 2, 1, 2]),
          now<CrossEntropyOptions>(graph, options),
        ),
      )) as (options: object) => unknown,
    {},
    ofClasses,
  ),
  linearCrossEntropy: shows(
    ((options: Later<CrossEntropyOptions>) => {
      return compute((graph) => {
        const head = { weight: given(graph, [3, 2], numbers(6, 3)) };
        const rest = now<CrossEntropyOptions>(graph, options);
        return linearCrossEntropy(given(graph, [2, 2, 2]), head, whole(graph, [2, 2], [0, 2, 1, 2]), rest);
      });
    }) as (options: object) => unknown,
    {},
    ofClasses,
  ),
  connectionistTemporalClassification: shows(
    ((options: Later<ConnectionistTemporalClassificationOptions>) =>
      compute((graph) =>
        connectionistTemporalClassification(
          given(graph, [4, 2, 3]),
          whole(graph, [2, 2], [1, 2, 2, 2]),
          now<ConnectionistTemporalClassificationOptions>(graph, options),
        ),
      )) as (options: object) => unknown,
    { inputLengths: constant([2], [4, 3]), targetLengths: constant([2], [2, 1]) },
    {
      inputLengths: [constant([2], [4, 4])],
      targetLengths: [constant([2], [1, 1])],
      blank: [1],
      reduction: ["sum"],
      zeroInfinity: [true, { inputLengths: constant([2], [1, 1]), targetLengths: constant([2], [2, 2]) }],
    },
  ),
};
