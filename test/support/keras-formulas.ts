import type { KerasArray, KerasBidirectional, KerasCall, KerasCase, KerasRecurrent } from "./keras.ts";

/**
 * Keras' layers by the formulas of its documentation, one number at a time: it shows that the cases are read right, and
 * how each option is meant. Nothing here is shared with the product.
 */

/** One row of the batch: T vectors in, and whether each counts. */
interface Row {
  readonly x: readonly (readonly number[])[];
  readonly mask: readonly boolean[];
}
interface Result {
  /** One vector a step, in the order of computation. */
  readonly outputs: readonly (readonly number[])[];
  readonly state: readonly (readonly number[])[];
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const functions: Readonly<Record<string, (x: number) => number>> = {
  tanh: Math.tanh,
  sigmoid,
  hard_sigmoid: (x) => Math.min(1, Math.max(0, 0.2 * x + 0.5)),
};

/** v · matrix, of a [v.length, columns] matrix. */
function times(v: readonly number[], matrix: KerasArray): number[] {
  const columns = matrix.shape[1]!;
  return Array.from({ length: columns }, (_, j) =>
    v.reduce((sum, value, i) => sum + value * matrix.data[i * columns + j]!, 0),
  );
}

function step(layer: KerasRecurrent, x: readonly number[], state: readonly (readonly number[])[]): number[][] {
  const { units: H, kernel, recurrentKernel, bias } = layer;
  const f = functions[layer.activation]!;
  const r = functions[layer.recurrentActivation ?? "sigmoid"]!;
  const h = state[0]!;
  const width = kernel.shape[1]!;
  const inner = times(h, recurrentKernel).map(
    (value, k) => value + (layer.resetAfter && bias ? bias.data[width + k]! : 0),
  );
  const outer = times(x, kernel).map((value, k) => value + (bias ? bias.data[k]! : 0));
  const unit = Array.from({ length: H }, (_, k) => k);
  const both = (gate: number, k: number): number => outer[gate * H + k]! + inner[gate * H + k]!;
  if (layer.class === "SimpleRNN") return [unit.map((k) => f(both(0, k)))];
  if (layer.class === "LSTM") {
    const c = unit.map((k) => r(both(1, k)) * state[1]![k]! + r(both(0, k)) * f(both(2, k)));
    return [unit.map((k) => r(both(3, k)) * f(c[k]!)), c];
  }
  const reset = unit.map((k) => r(both(1, k)));
  // Without resetAfter the reset gate acts on h, before the product.
  const before = times(
    h.map((value, k) => value * reset[k]!),
    recurrentKernel,
  );
  const candidate = unit.map((k) => {
    const recurrent = layer.resetAfter ? reset[k]! * inner[2 * H + k]! : before[2 * H + k]!;
    return f(outer[2 * H + k]! + recurrent);
  });
  return [unit.map((k) => r(both(0, k)) * h[k]! + (1 - r(both(0, k))) * candidate[k]!)];
}

function runRow(layer: KerasRecurrent, row: Row, initial: readonly (readonly number[])[]): Result {
  const order = row.x.map((_, t) => (layer.goBackwards ? row.x.length - 1 - t : t));
  let state = initial;
  let output: readonly number[] = new Array(layer.units).fill(0);
  const outputs = order.map((t) => {
    if (row.mask[t]) {
      state = step(layer, row.x[t]!, state);
      output = state[0]!;
    }
    return row.mask[t] || !layer.zeroOutputForMask ? output : new Array(layer.units).fill(0);
  });
  return { outputs, state };
}

function rowsOf(call: KerasCall): Row[] {
  const [B, T, I] = call.x.shape as [number, number, number];
  return Array.from({ length: B }, (_, b) => ({
    x: Array.from({ length: T }, (_, t) => call.x.data.slice((b * T + t) * I, (b * T + t + 1) * I)),
    mask: Array.from({ length: T }, (_, t) => call.mask === undefined || call.mask.data[b * T + t] === 1),
  }));
}

/** Runs the calls of a case and returns what its `take` names, row-major. */
export function runKeras({ layer, calls, take }: KerasCase): number[] {
  const layers = layer.class === "Bidirectional" ? [layer.forward, layer.backward] : [layer];
  let kept: Result[][] | undefined;
  let parts: number[][][] = [];
  for (const call of calls) {
    if (call === "reset_state") {
      kept = undefined;
      continue;
    }
    const results = layers.map((one, direction) =>
      rowsOf(call).map((row, b) => runRow(one, row, initialState(one, direction, b, call, kept))),
    );
    kept = layers[0]!.stateful ? results : undefined;
    parts = partsOf(layer, results);
  }
  if (take.kind === "row") return parts[0]![take.index]!;
  return parts[take.kind === "part" ? take.index : 0]!.flat();
}

function initialState(
  layer: KerasRecurrent,
  direction: number,
  b: number,
  call: KerasCall,
  kept: Result[][] | undefined,
): readonly (readonly number[])[] {
  if (kept) return kept[direction]![b]!.state;
  const count = layer.class === "LSTM" ? 2 : 1;
  return Array.from({ length: count }, (_, k) => {
    const given = call.initialState?.[direction * count + k];
    return given ? given.data.slice(b * layer.units, (b + 1) * layer.units) : new Array(layer.units).fill(0);
  });
}

/** What the layer returns, each part as one flat row a batch entry: output (merged, or one a direction), then states. */
function partsOf(layer: KerasRecurrent | KerasBidirectional, results: readonly (readonly Result[])[]): number[][][] {
  const one = layer.class === "Bidirectional" ? layer.forward : layer;
  const perStep = results.map((rows, direction) =>
    rows.map(({ outputs }) => {
      const wanted = one.returnSequences ? outputs : [outputs.at(-1)!];
      return direction === 1 ? wanted.toReversed() : wanted;
    }),
  );
  const states = one.returnState
    ? results.flatMap((rows) => rows[0]!.state.map((_, k) => rows.map(({ state }) => [...state[k]!])))
    : [];
  if (layer.class !== "Bidirectional" || layer.mergeMode === null) {
    return [...perStep.map((rows) => rows.map((steps) => steps.flat())), ...states];
  }
  const merge = {
    concat: (a: readonly number[], b: readonly number[]): number[] => [...a, ...b],
    sum: (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value + b[i]!),
    mul: (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value * b[i]!),
    ave: (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => (value + b[i]!) / 2),
  }[layer.mergeMode];
  const [forward, backward] = perStep as [number[][][], number[][][]];
  return [forward.map((steps, b) => steps.flatMap((value, t) => merge(value, backward[b]![t]!))), ...states];
}
