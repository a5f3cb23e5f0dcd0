import type { Cell } from "../cells/define.ts";
import type { Expression } from "../math/expression.ts";

/**
 * A plan: kernel launches in order, over ranges of named arenas. Recorded once for given shapes, then replayed; a replay
 * allocates nothing and decides nothing.
 *
 * Offsets, lengths and strides count elements. An element is a number of the machine's floating-point type, or a whole
 * number of 32 bits in the place of one (`type: "int"`).
 */
export interface Plan {
  readonly launches: readonly Launch[];
  /** Elements that each arena must hold at least. */
  readonly arenas: Readonly<Record<string, number>>;
  /** Numbers that change from replay to replay (rate, step number, key of the random numbers), by name. */
  readonly scalars: Readonly<Record<string, Range>>;
}

/** Where numbers lie on a machine. */
export interface Range {
  /** Name of the arena; `prepare` binds names to arenas. */
  readonly arena: string;
  /** The first of them, in elements. */
  readonly offset: number;
  /** Number of elements. */
  readonly length: number;
  readonly type: "float" | "int";
}

export interface Launch {
  readonly kernel: Kernel;
  /** Ranges by operand name. Unless a kernel says otherwise, outputs overlap no other operand. */
  readonly operands: Readonly<Record<string, Range>>;
}

/** The closed list of what a machine can do. Everything else is made of these. */
export type Kernel =
  | Pointwise
  | Reduce
  | MatMul
  | Gather
  | ScatterAdd
  | Scatter
  | RandomFill
  | Scan
  | ScanBackward
  | LinearCrossEntropy
  | QuantizedMatMul;

/**
 * Elements that one word of an operand `touched` stands for: where the word is 0 all of them are 0, so that nobody has to read them.
 * What most steps leave at 0, the gradient of a large table of embeddings, is then neither cleared nor read as a whole.
 */
export const TOUCHED_BLOCK = 128;

/** Position k of axis a lies `strides[a] · k` elements on; 0 repeats one element along the axis. One entry per axis of `shape`. */
export type Strides = readonly number[];

/**
 * Equations over whole tensors: for every index of `shape`, `outputs[name] = value`, where a variable of `value` is the
 * element of the input of that name. Copy, transpose, slice, concatenate, fill and every activation, loss and optimizer are this.
 *
 * Operands: one per input and per output, under their names. An output may be the very range of an input with the same
 * strides (in place): all inputs of an index are read before its outputs are written. Indices are independent.
 */
export interface Pointwise {
  readonly op: "pointwise";
  /** At most 4 axes. */
  readonly shape: readonly number[];
  readonly inputs: Readonly<Record<string, Strides>>;
  readonly outputs: Readonly<Record<string, { readonly value: Expression; readonly strides: Strides }>>;
  /**
   * Of one axis along which every stride is 0 or 1: the input that holds zeros where the operand `touched`, int [⌈n / 128⌉], says so.
   * `rests`: where that input is 0 all outputs are what they were, so that such blocks may be left out.
   */
  readonly touched?: { readonly input: string; readonly rests: boolean } | undefined;
}

/**
 * Sum or maximum of an equation over some axes.
 *
 * A sum is taken in an order that depends on the lengths only: blocks of fixed size, their sums in a fixed tree.
 * Operands: the inputs by name, and `out`, dense over the axes that are kept (in their order; one element if none is).
 */
export interface Reduce {
  readonly op: "reduce";
  readonly shape: readonly number[];
  readonly inputs: Readonly<Record<string, Strides>>;
  readonly value: Expression;
  readonly combine: "sum" | "max";
  /** For each axis of `shape`: whether it is summed away. */
  readonly over: readonly boolean[];
  /** Of a sum of one dense input over one axis, whose value is 0 where the input is: with an operand `touched`, int [⌈n / 128⌉]. */
  readonly touched?: boolean | undefined;
}

/**
 * `out = a · b (+ bias)`, `batch` times with dense matrices one after the other.
 *
 * Operands: `a` [m, k] (or [k, m] when `transposeA`), `b` [k, n] (or [n, k] when `transposeB`), `out` [m, n], and with
 * `bias` a row `bias` [n] that is added to every row (the same in the whole batch).
 */
export interface MatMul {
  readonly op: "matmul";
  readonly batch: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly bias: boolean;
}

/**
 * `out[r] = table[indices[r]]`. Operands: `indices` int [rows] in [0, vocabulary), `table` [vocabulary, columns], `out` [rows, columns].
 * With `tables` (default 1) that many times, each operand dense one after the other.
 */
export interface Gather {
  readonly op: "gather";
  readonly tables?: number | undefined;
  readonly rows: number;
  readonly vocabulary: number;
  readonly columns: number;
}

/**
 * `out = 0; out[indices[r]] += source[r]` for r in increasing order; rows whose index is `skip` are left out. With `keep` it adds to
 * what is in `out`, and no other row is touched.
 *
 * With `touched`, the operand of this name, int, tells which blocks of 128 elements may hold other numbers than 0, the first of them
 * beginning `lead` (0 … 127) elements before `out`: those are cleared, then those are noted that rows were added to, and always the first and the
 * last one, which others may share. All other blocks of `out` are 0 before and after.
 *
 * With `tables` (default 1) that many times, each operand dense one after the other; not with `touched`.
 *
 * Operands: `indices` int [rows], `source` [rows, columns], `out` [vocabulary, columns], `touched` int [⌈(lead + vocabulary · columns) / 128⌉].
 */
export interface ScatterAdd {
  readonly op: "scatterAdd";
  readonly tables?: number | undefined;
  readonly rows: number;
  readonly vocabulary: number;
  readonly columns: number;
  readonly skip?: number | undefined;
  readonly keep?: boolean | undefined;
  readonly touched?: { readonly lead: number } | undefined;
}

/**
 * `out[indices[r]] = source[r]` for r in increasing order; other rows of `out` stay.
 * Operands: `indices` int [rows] in [0, vocabulary), `source` [rows, columns], `out` [vocabulary, columns].
 */
export interface Scatter {
  readonly op: "scatter";
  readonly rows: number;
  readonly vocabulary: number;
  readonly columns: number;
}

/**
 * Random numbers as a function of coordinates: element (r, s, u) of `shape` [examples, steps, units] is made of the word
 * `u mod 4` of Philox4x32-10 with counter (⌊u / 4⌋, s, example r, update) and key (seed, purpose).
 *
 * `uniform` gives `(word >>> 8) · 2⁻²⁴`; `keep` gives `uniform < rate ? 0 : scale` (dropout's mask).
 * Operands: `key` int [4]: seed, purpose, update, number of the first example; `out`, at `strides`.
 */
export interface RandomFill {
  readonly op: "random";
  readonly shape: readonly [examples: number, steps: number, units: number];
  readonly strides: Strides;
  readonly draw:
    | { readonly kind: "uniform" }
    | { readonly kind: "keep"; readonly rate: number; readonly scale: number };
}

/** What a scan and its backward pass have in common, T, B and H at least 1. Rows of time-major tensors are `t · B + b`. */
export interface ScanShape {
  readonly cell: Cell;
  /** T */
  readonly steps: number;
  /** B */
  readonly batch: number;
  /** D */
  readonly inputSize: number;
  /**
   * V, where the input is rows of a table: operands `table` [V, D] and `tokens` int [T, B] in [0, V) stand in place of `input`. The products of
   * a row are then computed once for all steps that read it, with the same bits. Not with `masked`.
   */
  readonly vocabulary?: number | undefined;
  /** H */
  readonly hiddenSize: number;
  /** P, width of states declared "projection"; 0 where the cell has none. */
  readonly projectionSize: number;
  /** From the last step to the first. */
  readonly reverse: boolean;
  /** With an operand `mask` [T, B] of zeros and ones: a step with 0 leaves the state alone. */
  readonly masked: boolean;
  /** What `output` holds at a masked step: 0, or what it held at the step before it (in the direction of the scan; 0 before the first). */
  readonly maskedOutput: "zero" | "previous";
  /** Elements between rows of `output` (≥ the width of the first state): two directions write into halves of one tensor. */
  readonly outputStride: number;
}

/**
 * A cell over all steps of a sequence.
 *
 * Operands, in: `input` [T, B, D]; `weight_ih` [G·H, D], `weight_hh` [R·H, H|P] (R gates have a recurrent part), `bias_ih` [G·H],
 * `bias_hh` [R·H] as the cell declares them; one range per unit weight [H], projection matrix [P, H] and mask (drawn per
 * sequence [B, W] or per step [T, B, W]) under its name (`weight.NAME`, `projection.NAME`, `mask.NAME`); `mask` if
 * `masked`; `initial.STATE` [B, H|P] for every state.
 * Operands, out: `output` [T, B, H|P] with `outputStride`; `final.STATE`; `saved` (as large as `Machine.savedSize` says:
 * what `scanBackward` reads, in the machine's own layout) when `save`; `trace.NAME` [T, B, H|P] for each name in `trace`.
 */
export interface Scan extends ScanShape {
  readonly op: "scan";
  readonly save: boolean;
  /** Named values of the cell that are written out: a second printing of the same equations, the same bits. */
  readonly trace: readonly string[];
}

/**
 * The gradient of a scan.
 *
 * Operands, in: all inputs of the scan, its `saved` (which it may write over), `d.output` [T, B, H|P] with `outputStride`, `d.final.STATE` for every state.
 * Operands, out: `d.input` [T, B, D] (of a table `d.table` [V, D]) when `inputGradient`; `d.weight_ih`, `d.weight_hh`, `d.bias_ih`, `d.bias_hh`,
 * `d.weight.NAME`, `d.projection.NAME` as the scan has them; `d.initial.STATE` for every state; `trace.d.NAME` for each name in `trace`
 * (∂L/∂ of the named value). At masked steps `d.input` is 0.
 *
 * Sums over the steps (gradients of parameters) are taken in the order of the sweep, from the last step to the first (reverse: the other
 * way), one running sum. With `keep` they go on from what is in the outputs, so that a sequence that is swept in parts has the bits of
 * one that is swept at once. Of a table the gradients of the rows' parts, `d.parts` (`partsLength` elements, in the machine's own layout), are
 * summed first: `d.table` and `d.weight_ih` are made of them where the sweep ends, that is not where it is `unfinished`.
 */
export interface ScanBackward extends ScanShape {
  readonly op: "scanBackward";
  readonly inputGradient: boolean;
  readonly keep?: boolean | undefined;
  readonly unfinished?: boolean | undefined;
  readonly trace: readonly string[];
}

/**
 * Softmax with cross entropy of a linear map, and its gradients, in one sweep over blocks of rows: the logits of all rows are
 * never there at once.
 *
 * With `z = x · weightᵀ + bias`, `y[r][v] = (1 − ε) w[v] [v = target[r]] + ε/V w[v]` and class weights w of 1 where none are given,
 * `loss = Σ_r Σ_v y[r][v] (log Σ_u exp z[r][u] − z[r][v])` over the rows that count; with `mean` divided by the sum of their
 * `w[target[r]]`. A row counts unless its target is `ignoreIndex` or its mask is 0; what it holds is not looked at.
 *
 * Operands, in: `x` [rows, columns], `weight` [V, columns], `bias` [V] when `bias`, `target` int [rows] in [0, V), `classWeight` [V]
 * when `weighted`, `mask` [rows] of zeros and ones when `masked`, `seed` [1] (∂L/∂loss) when there are `gradients`.
 * Operands, out: `loss` [1] and, of the names in `gradients`, `d.x`, `d.weight`, `d.bias`, shaped as what they belong to.
 */
export interface LinearCrossEntropy {
  readonly op: "linearCrossEntropy";
  readonly rows: number;
  readonly columns: number;
  /** V */
  readonly classes: number;
  readonly bias: boolean;
  readonly weighted: boolean;
  readonly masked: boolean;
  /** ε, in [0, 1). */
  readonly labelSmoothing: number;
  readonly ignoreIndex: number;
  readonly mean: boolean;
  readonly gradients: readonly ("x" | "weight" | "bias")[];
}

/**
 * `out = a · (scale ⊙ weight)ᵀ (+ bias)` with weights of 8 bits, one scale a row of them.
 *
 * A machine may round `a`, row by row, to multiples of `max|a| ÷ quantizationSteps(k)` (zeros below 1e-30), so that the products are sums
 * of whole numbers: exact, and the same on every machine that does so. Whole-number sums have no order, so that tiles, threads and the
 * other rows of a batch change no bit.
 *
 * Operands: `a` [m, k]; `weight` int [n, ⌈k / 4⌉], four numbers from −127 to 127 in a word, the first in its lowest byte, zeros behind
 * the last; `scale` [n]; `bias` [n] when `bias`; `out` [m, n].
 */
export interface QuantizedMatMul {
  readonly op: "quantizedMatmul";
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly bias: boolean;
}

/** Steps from 0 to the largest number of a row: as fine as 14 bits hold and a sum of k products in 32 bits allows. */
export const quantizationSteps = (k: number): number =>
  Math.max(1, Math.min(8191, Math.floor((2 ** 31 - 1) / (127 * k))));
