import type { Hold } from "../layers/held-values.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";
import type { HasParameters, ParameterLayout } from "../tensor/parameter.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import type { DataType } from "./data-type.ts";
import type { DerivedWeights } from "./derived-weights.ts";
import type { Value } from "./value.ts";

/** An input or output of a model. A size is a number, a name that stands for one number, or undefined where it is open. */
export interface ModelPort {
  readonly name: string;
  readonly type: DataType | undefined;
  readonly shape: readonly (number | string | undefined)[] | undefined;
  /** For an input: whether it may be left out. A state is zero then, lengths are those of all steps. */
  readonly optional?: boolean | undefined;
}

/** An input that takes the value of an output of the previous call. */
export interface StatePair {
  readonly input: string;
  readonly output: string;
  /**
   * Whether the state goes from the end of a sequence to its beginning, so that it cannot be carried from piece to piece. Default
   * false.
   */
  readonly backward?: boolean | undefined;
}

/** Numbers of the weights at hand while a plan is recorded, and where what is made of them goes. */
export interface WeightForms {
  /** By the name of the parameter. */
  readonly values: ReadonlyMap<string, ArrayLike<number>>;
  readonly derived: DerivedWeights;
}

/** What recurrent layers write out. */
export interface TraceRequest {
  /** Default: all values that the cells' authors named. A name that a layer's cell does not have is left out there. */
  readonly names?: readonly string[] | undefined;
  /** Whether gradients flow back to them, though the weights are not learned. */
  readonly gradients: boolean;
  /** Given where values can be held; asked by the names of traces, `LAYER.VALUE`. */
  readonly hold?: Hold | undefined;
}

export interface RecordInput {
  readonly graph: Graph;
  /** A value for every input. */
  readonly inputs: ReadonlyMap<string, Value>;
  /**
   * Given where the weights may be brought into other forms once, for runs; without it every use goes back to the parameters
   * themselves, so that gradients reach them.
   */
  readonly forms?: WeightForms;
  /** Whether states go on from the steps just before, as a session has it, where a sequence is fed in pieces. Default false. */
  readonly pieces?: boolean | undefined;
  /** Given where the values of recurrent layers are written out. */
  readonly trace?: TraceRequest | undefined;
}

export interface RecordOutput {
  /** By name, one for every output. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** `LAYER.VALUE` ("lstm.f") → [T, B, H]; empty unless asked for. */
  readonly traces: ReadonlyMap<string, Tensor>;
  /** Names that can be asked for, of all cells. */
  readonly traceable: ReadonlySet<string>;
}

/** What a model of any format has to say so that a `Program` runs it. */
export interface Runnable {
  readonly inputs: readonly ModelPort[];
  /** The same for a session, which takes pieces of any number of steps. Default: `inputs`. */
  readonly pieces?: readonly ModelPort[] | undefined;
  readonly outputs: readonly ModelPort[];
  readonly states: readonly StatePair[];
  readonly layout: ParameterLayout;
  /** The layers that it is made of, whose products can read 8 bits; a graph of operators is made of none. */
  readonly layers?: HasParameters | undefined;
  /** What the file says, by the name of the parameter; read once, on the way to a machine. */
  readonly weights: ReadonlyMap<string, NamedTensor>;
  /** Whether runs use what is derived from the parameters, not only the parameters themselves. */
  readonly folds: boolean;
  /**
   * Records the model from its inputs to its outputs.
   * @throws NeededOnHost when a number decides over shapes or branches that is known only at run time
   */
  record(input: RecordInput): RecordOutput;
}

/** What a model reads and gives besides its states. */
export const withoutStates = ({
  inputs,
  outputs,
  states,
}: Pick<Runnable, "inputs" | "outputs" | "states">): Pick<Runnable, "inputs" | "outputs"> => ({
  inputs: inputs.filter(({ name }) => !states.some(({ input }) => input === name)),
  outputs: outputs.filter(({ name }) => !states.some(({ output }) => output === name)),
});
