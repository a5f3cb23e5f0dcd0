import { readFileSync } from "node:fs";

/**
 * Arrays that Keras' own tests expect (Keras 3) and outputs of Keras 2, in one form. Everything that Keras leaves to
 * defaults is spelt out, constant initialisers are expanded to arrays, and all inputs and results have a batch axis.
 * Weights are as Keras keeps them: cols layout, LSTM gates i, f, c, o, GRU gates z, r, h.
 */

export interface KerasArray {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface KerasRecurrent {
  readonly class: "SimpleRNN" | "LSTM" | "GRU";
  readonly units: number;
  /** "tanh" or "sigmoid". */
  readonly activation: string;
  /** "sigmoid", or "hard_sigmoid" of Keras 2: clip(0.2 x + 0.5, 0, 1). SimpleRNN has none. */
  readonly recurrentActivation: string | undefined;
  /** GRU: whether the reset gate is applied after the recurrent product. */
  readonly resetAfter: boolean;
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  /** The sequence and its mask are flipped; the outputs stay in the order in which they were computed. */
  readonly goBackwards: boolean;
  readonly stateful: boolean;
  /** The output at a masked step is 0, not the one before it. */
  readonly zeroOutputForMask: boolean;
  /** [I, G·H] */
  readonly kernel: KerasArray;
  /** [H, G·H] */
  readonly recurrentKernel: KerasArray;
  /** [G·H]; [2, 3·H] for a GRU with the reset gate after (row 0 input, row 1 recurrent); undefined: none. */
  readonly bias: KerasArray | undefined;
}

export interface KerasBidirectional {
  readonly class: "Bidirectional";
  readonly forward: KerasRecurrent;
  /** Its goBackwards is the opposite of the forward layer's; its output sequence is flipped before merging. */
  readonly backward: KerasRecurrent;
  /** null: the results are not merged but returned as a list. */
  readonly mergeMode: "concat" | "sum" | "mul" | "ave" | null;
}

export interface KerasCall {
  /** [B, T, I] */
  readonly x: KerasArray;
  /** [B, T], 1 where the step counts. */
  readonly mask: KerasArray | undefined;
  /** [B, H] each: h; h, c; Bidirectional: forward, then backward. */
  readonly initialState: readonly KerasArray[] | undefined;
  readonly training: boolean;
}

export type KerasTake =
  | { readonly kind: "output" }
  /** Row `index` of the batch of the output. */
  | { readonly kind: "row"; readonly index: number }
  /** Entry `index` of the returned list. */
  | { readonly kind: "part"; readonly index: number };

export interface KerasCase {
  readonly name: string;
  readonly version: 2 | 3;
  readonly layer: KerasRecurrent | KerasBidirectional;
  /** Made one after the other on one layer; "reset_state" forgets a stateful layer's state. */
  readonly calls: readonly (KerasCall | "reset_state")[];
  /** What of the last call's result is compared with `expected`. */
  readonly take: KerasTake;
  readonly expected: KerasArray;
  /** The tolerance of the test the case came from: |a − b| ≤ atol + rtol · |b|. */
  readonly atol: number;
  readonly rtol: number;
}

const GATES = { SimpleRNN: 1, LSTM: 4, GRU: 3 } as const;
type ClassName = keyof typeof GATES;

interface Layer3 {
  readonly class: ClassName;
  readonly units: number;
  readonly kernel_initializer: { readonly constant: number };
  readonly recurrent_initializer: { readonly constant: number };
  readonly bias_initializer: { readonly constant: number };
  readonly use_bias?: boolean;
  readonly unit_forget_bias?: boolean;
  readonly reset_after?: boolean;
  readonly return_sequences?: boolean;
  readonly return_state?: boolean;
  readonly go_backwards?: boolean;
  readonly stateful?: boolean;
  readonly zero_output_for_mask?: boolean;
  /** How Keras computes, not what. */
  readonly unroll?: boolean;
  readonly implementation?: number;
}

interface Bidirectional3 {
  readonly class: "Bidirectional";
  readonly layer: Layer3;
  readonly backward_layer?: Layer3;
  readonly merge_mode?: KerasBidirectional["mergeMode"];
}

interface Call3 {
  readonly x: KerasArray;
  readonly mask?: KerasArray;
  readonly initial_state?: KerasArray | readonly KerasArray[];
  readonly training?: boolean;
}

interface Case3 {
  readonly file: string;
  readonly test: string;
  readonly layer: Layer3 | Bidirectional3;
  readonly calls: readonly (Call3 | "reset_state")[];
  readonly take: string;
  readonly expected: KerasArray;
  readonly atol: number;
  readonly rtol: number;
}

/** Reads keras/keras3_cases.json of the reference data. */
export function keras3Cases(file: string): KerasCase[] {
  const { cases }: { cases: Case3[] } = JSON.parse(readFileSync(file, "utf8"));
  return cases.map((entry, i) => {
    const calls = entry.calls.map((call) => (call === "reset_state" ? call : normalCall(call)));
    const inputSize = calls.find((call) => call !== "reset_state")!.x.shape[2]!;
    return {
      name: `${String(i).padStart(2, "0")} ${entry.file.replace(/^.*\//, "")} ${entry.test}`,
      version: 3,
      layer:
        entry.layer.class === "Bidirectional"
          ? bidirectional(entry.layer, inputSize)
          : recurrent(entry.layer, inputSize),
      calls,
      take: parseTake(entry.take),
      expected: entry.expected,
      atol: entry.atol,
      rtol: entry.rtol,
    };
  });
}

function normalCall(call: Call3): KerasCall {
  refuseOthers(call, ["x", "mask", "initial_state", "training"]);
  const state = call.initial_state;
  return {
    x: call.x,
    // The file has true and false.
    mask: call.mask && { shape: call.mask.shape, data: Array.from(call.mask.data, Number) },
    initialState: state === undefined ? undefined : "shape" in state ? [state] : state,
    training: call.training ?? false,
  };
}

const LAYER_KEYS =
  "class units kernel_initializer recurrent_initializer bias_initializer use_bias unit_forget_bias reset_after return_sequences return_state go_backwards stateful zero_output_for_mask unroll implementation".split(
    " ",
  );

function recurrent(layer: Layer3, inputSize: number): KerasRecurrent {
  refuseOthers(layer, LAYER_KEYS);
  const { units } = layer;
  const width = GATES[layer.class] * units;
  const resetAfter = layer.class === "GRU" && (layer.reset_after ?? true);
  return {
    class: layer.class,
    units,
    activation: "tanh",
    recurrentActivation: layer.class === "SimpleRNN" ? undefined : "sigmoid",
    resetAfter,
    returnSequences: layer.return_sequences ?? false,
    returnState: layer.return_state ?? false,
    goBackwards: layer.go_backwards ?? false,
    stateful: layer.stateful ?? false,
    zeroOutputForMask: layer.zero_output_for_mask ?? false,
    kernel: filled([inputSize, width], layer.kernel_initializer.constant),
    recurrentKernel: filled([units, width], layer.recurrent_initializer.constant),
    bias: (layer.use_bias ?? true) ? bias(layer, width, resetAfter) : undefined,
  };
}

function bias(layer: Layer3, width: number, resetAfter: boolean): KerasArray {
  const full = filled(resetAfter ? [2, width] : [width], layer.bias_initializer.constant);
  if (layer.class !== "LSTM" || layer.unit_forget_bias === false) return full;
  const isForget = (k: number): boolean => k >= layer.units && k < 2 * layer.units;
  return { shape: full.shape, data: full.data.map((value, k) => (isForget(k) ? 1 : value)) };
}

function bidirectional(layer: Bidirectional3, inputSize: number): KerasBidirectional {
  refuseOthers(layer, ["class", "layer", "backward_layer", "merge_mode"]);
  // Keras' Bidirectional overrules zero_output_for_mask of both layers so.
  const forced = (one: KerasRecurrent): KerasRecurrent => ({ ...one, zeroOutputForMask: one.returnSequences });
  const forward = forced(recurrent(layer.layer, inputSize));
  return {
    class: "Bidirectional",
    forward,
    backward: layer.backward_layer
      ? forced(recurrent(layer.backward_layer, inputSize))
      : { ...forward, goBackwards: !forward.goBackwards },
    mergeMode: layer.merge_mode === undefined ? "concat" : layer.merge_mode,
  };
}

function filled(shape: readonly number[], value: number): KerasArray {
  return { shape, data: new Array(shape.reduce((product, extent) => product * extent, 1)).fill(value) };
}

function parseTake(take: string): KerasTake {
  const index = Number(/\d+/.exec(take)?.[0]);
  if (take === "output") return { kind: "output" };
  if (/^output\[\d+\]$/.test(take)) return { kind: "row", index };
  if (/^part \d+$/.test(take)) return { kind: "part", index };
  throw new Error(`take: ${take} is not known`);
}

/** A field that the loader does not know must not be lost in silence. */
function refuseOthers(value: object, known: readonly string[]): void {
  for (const key of Object.keys(value)) if (!known.includes(key)) throw new Error(`${key} is not known`);
}

interface Case2 {
  readonly name: string;
  readonly class: ClassName;
  readonly attrs: {
    readonly units: number;
    readonly activation: string;
    readonly recurrent_activation?: string;
    readonly use_bias: boolean;
    readonly return_sequences: boolean;
    readonly go_backwards: boolean;
    readonly stateful: boolean;
  };
  readonly input: KerasArray;
  readonly weights: readonly KerasArray[];
  readonly expected: KerasArray;
}

/** Reads keras/keras2_cases.json of the reference data; six decimal places are stored. */
export function keras2Cases(file: string): KerasCase[] {
  const { cases }: { cases: Case2[] } = JSON.parse(readFileSync(file, "utf8"));
  return cases.map(({ name, class: className, attrs, input, weights, expected }) => {
    const call: KerasCall = { x: batchOfOne(input), mask: undefined, initialState: undefined, training: false };
    if (attrs.use_bias !== (weights.length === 3)) throw new Error(`${name}: ${weights.length} weights`);
    return {
      name,
      version: 2,
      layer: {
        class: className,
        units: attrs.units,
        activation: attrs.activation,
        recurrentActivation: attrs.recurrent_activation,
        resetAfter: false,
        returnSequences: attrs.return_sequences,
        returnState: false,
        goBackwards: attrs.go_backwards,
        stateful: attrs.stateful,
        zeroOutputForMask: false,
        kernel: weights[0]!,
        recurrentKernel: weights[1]!,
        bias: weights[2],
      },
      // The stored output of a stateful layer is that of the second call on the same input.
      calls: attrs.stateful ? [call, call] : [call],
      take: { kind: "output" },
      expected: batchOfOne(expected),
      // Inputs and weights are rounded to six places as well as the outputs.
      atol: 3e-6,
      rtol: 0,
    };
  });
}

function batchOfOne(array: KerasArray): KerasArray {
  return { shape: [1, ...array.shape], data: array.data };
}
