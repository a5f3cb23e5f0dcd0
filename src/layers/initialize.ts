import { expectOneOf, UsageError } from "../shared/errors.ts";
import type { RandomStream } from "../shared/random.ts";
import { formatShape, size } from "../shared/shapes.ts";
import type { Initializer } from "../tensor/parameter.ts";
import { orthonormalColumns } from "./orthogonal.ts";

/**
 * An initializer whose values are float64. Its random numbers come from a stream named by the seed of the model and the name of the parameter,
 * so they never depend on which other parameters exist or come first.
 */
type Initialization = (shape: readonly number[], random: RandomStream) => Float64Array;

/**
 * How many inputs and outputs one weight connects, for the rows layout [out, in]: inputs `in`, outputs `out`. Further axes
 * are a convolution's kernel [out, in, …] and multiply both. A vector [n] counts n either way.
 */
export function fans(shape: readonly number[]): { readonly fanIn: number; readonly fanOut: number } {
  if (shape.length < 2) return { fanIn: size(shape), fanOut: size(shape) };
  const kernel = size(shape.slice(2));
  return { fanIn: shape[1]! * kernel, fanOut: shape[0]! * kernel };
}

export const constant =
  (value: number): Initialization =>
  (shape) =>
    new Float64Array(size(shape)).fill(value);
export const zeros = constant(0);
export const ones = constant(1);

/** Uniform on [−bound, bound). */
export const uniform =
  (bound: number): Initialization =>
  (shape, random) =>
    random.symmetric(size(shape), bound);

/** Normal with this standard deviation (default 1) and mean (default 0). */
export const normal =
  ({ deviation = 1, mean = 0 }: { readonly deviation?: number; readonly mean?: number } = {}): Initialization =>
  (shape, random) =>
    inPlace(random.normal(size(shape)), (z) => mean + deviation * z);

/** `map` calls through the engine for each number: of a program's first milliseconds that takes several. */
function inPlace(numbers: Float64Array, value: (x: number) => number): Float64Array {
  for (let k = 0; k < numbers.length; k++) numbers[k] = value(numbers[k]!);
  return numbers;
}

/** Both of variance `variance(fans)`; normal ones are not truncated (as in PyTorch; Keras cuts at two deviations). */
const scaledUniform =
  (variance: (shape: ReturnType<typeof fans>) => number): Initialization =>
  (shape, random) =>
    uniform(Math.sqrt(3 * variance(fans(shape))))(shape, random);
const scaledNormal =
  (variance: (shape: ReturnType<typeof fans>) => number): Initialization =>
  (shape, random) =>
    normal({ deviation: Math.sqrt(variance(fans(shape))) })(shape, random);

const glorot = ({ fanIn, fanOut }: ReturnType<typeof fans>): number => 2 / (fanIn + fanOut);
const he = ({ fanIn }: ReturnType<typeof fans>): number => 2 / fanIn;
const lecun = ({ fanIn }: ReturnType<typeof fans>): number => 1 / fanIn;

/** Variance 2 / (in + out). @see Glorot & Bengio, "Understanding the difficulty of training deep feedforward networks" (2010) */
export const glorotUniform = scaledUniform(glorot);
/** See glorotUniform. */
export const glorotNormal = scaledNormal(glorot);
/** Variance 2 / in, for relu; PyTorch calls it kaiming. @see He et al. (2015), arXiv:1502.01852 */
export const heUniform = scaledUniform(he);
/** See heUniform. */
export const heNormal = scaledNormal(he);
/** Variance 1 / in. @see LeCun et al. (1998), "Efficient BackProp" */
export const lecunUniform = scaledUniform(lecun);
/** See lecunUniform. */
export const lecunNormal = scaledNormal(lecun);
/** U(±1/√in): what PyTorch's Linear and convolutions draw their weights from. */
export const fanInUniform: Initialization = (shape, random) => uniform(1 / Math.sqrt(fans(shape).fanIn))(shape, random);

/**
 * Orthonormal columns where there are at least as many rows as columns, orthonormal rows otherwise, uniformly distributed.
 * Axes after the first count as columns.
 * @throws UsageError "bad-shape" for fewer than two axes
 */
export const orthogonal: Initialization = (shape, random) => {
  if (shape.length < 2) {
    throw new UsageError("bad-shape", `orthogonal: expected a matrix [rows, columns], got shape ${formatShape(shape)}`);
  }
  const rows = shape[0]!;
  const columns = size(shape.slice(1));
  const [long, short] = rows >= columns ? [rows, columns] : [columns, rows];
  const q = orthonormalColumns(random.normal(long * short), long, short);
  // A wide matrix wants its short rows orthonormal: that is q as it lies.
  if (rows < columns) return q;
  return Float64Array.from(q, (_, i) => q[(i % columns) * rows + Math.floor(i / columns)]!);
};

/** Those that need nothing but a shape, by the name that options and configuration files use. */
export const initializations = {
  zeros,
  ones,
  glorotUniform,
  glorotNormal,
  heUniform,
  heNormal,
  lecunUniform,
  lecunNormal,
  fanInUniform,
  orthogonal,
} as const satisfies Readonly<Record<string, Initialization>>;

/** Initializations by name, for `initialization` and the `initialize` options. */
export type InitializationName = keyof typeof initializations;

/**
 * Returns the initialization with this name.
 * @throws UsageError "unknown-choice" with the nearest name
 */
export function initialization(name: string): Initializer {
  return initializations[expectOneOf("initialization", name, Object.keys(initializations) as InitializationName[])];
}

/** What an option called `initialize` says, which takes names too. */
export const initializerOf = (given: InitializationName | Initializer): Initializer =>
  typeof given === "string" ? initialization(given) : given;

/** Whose initialization a recurrent layer has: PyTorch's, or Keras' with orthogonal recurrent weights and a forget bias of 1. */
export type RecurrentPreset = "pytorch" | "keras";

/** What a preset needs to know of a recurrent layer. */
export interface RecurrentSizes {
  /** H */
  readonly hiddenSize: number;
  /** Names of the gates in the packed order of this operand's rows. */
  readonly gates: readonly string[];
}

/**
 * How a framework begins a recurrent layer. `operand` is weight_ih [G·H, D], weight_hh [G·H, H], bias_ih or bias_hh [G·H],
 * or a projection [P, H].
 *
 * - "pytorch": everything from U(±1/√H).
 * - "keras": W glorotUniform and U orthogonal, both over all gates at once; biases 0, but 1 for the forget gate (on
 *   bias_ih only, for the two are added). @see Jozefowicz et al. (2015) on the forget bias
 */
export function recurrentInitializer(preset: RecurrentPreset, operand: string, sizes: RecurrentSizes): Initialization {
  const { hiddenSize, gates } = sizes;
  if (expectOneOf("initialize", preset, ["pytorch", "keras"] as const) === "pytorch") {
    return uniform(1 / Math.sqrt(hiddenSize));
  }
  if (operand === "weight_hh") return orthogonal;
  if (operand === "bias_hh") return zeros;
  if (operand !== "bias_ih") return glorotUniform;
  const forget = gates.indexOf("f");
  return (shape) => {
    const values = new Float64Array(size(shape));
    return forget < 0 ? values : values.fill(1, forget * hiddenSize, (forget + 1) * hiddenSize);
  };
}
