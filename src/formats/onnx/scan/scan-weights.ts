import { add } from "../../../math/expression.ts";
import { size } from "../../../shared/shapes.ts";
import type { Value } from "../../value.ts";
import type { Recorder } from "../recorder.ts";
import type { Bias, Block, FoundGate, InputTerm } from "./equations.ts";
import { NotACell } from "./equations.ts";
import type { FoundCell } from "./found-cell.ts";

/** Columns of the input of a layer that are those of a source. */
export interface SourceColumns {
  readonly source: number;
  readonly width: number;
}

/** Makes the parameters of the layer of a cell from what the graph holds, in its order of gates. */
export class ScanWeights {
  private readonly recorder: Recorder;
  private readonly found: FoundCell;
  private readonly columns: readonly SourceColumns[];

  constructor(recorder: Recorder, found: FoundCell, columns: readonly SourceColumns[]) {
    [this.recorder, this.found, this.columns] = [recorder, found, columns];
  }

  /** By the names that a layer has for its parameters: each is made where it is asked for. */
  get parts(): Readonly<Record<string, () => Value>> {
    const { gates, projections, weights, hiddenSize } = this.found;
    const all = [...gates.values()];
    const recurrent = all.flatMap(({ product }) => (product ? [product.of] : []));
    const rows = (parts: readonly (() => Value)[]) => (): Value =>
      this.recorder.concatenate(
        parts.map((part) => part()),
        0,
      );
    return {
      weight_ih_l0: rows(all.map((gate) => () => this.inputRows(gate))),
      weight_hh_l0: rows(
        recurrent.map(
          ({ block }) =>
            () =>
              this.block(block, hiddenSize),
        ),
      ),
      bias_ih_l0: rows(
        all.map(
          ({ input }) =>
            () =>
              this.bias(input?.of.biases ?? [], hiddenSize),
        ),
      ),
      bias_hh_l0: rows(
        recurrent.map(
          ({ biases }) =>
            () =>
              this.bias(biases, hiddenSize),
        ),
      ),
      ...Object.fromEntries(
        [...projections].map(([name, { block }]) => [`weight_${name}_l0`, () => this.block(block, block.count)]),
      ),
      ...Object.fromEntries(
        [...weights].map(([name, { of }]) => [`weight_${name}_l0`, () => this.bias([of], of.count)]),
      ),
    };
  }

  /** Which of the two any plan of the model has: what its weights are made of depends on nothing else. */
  get layout(): string {
    const block = ({ outputs, from, count, over }: Block) => [outputs, from, count, over.from, over.count];
    const gates = [...this.found.gates].map(([name, { input, product }]) => [
      name,
      input?.of.terms.map(({ source, from, count, block: own }) => [source, from, count, ...(own ? block(own) : [])]),
      product && block(product.of.block),
    ]);
    return JSON.stringify([this.columns, gates]);
  }

  /** What a gate multiplies the input with, [H, D]. */
  private inputRows({ input }: FoundGate): Value {
    const { hiddenSize } = this.found;
    const parts = this.columns.map(({ source, width }): Value => {
      const terms = (input?.of.terms ?? []).filter((term) => term.source === source);
      const pieces: Value[] = [];
      let at = 0;
      for (const term of terms.toSorted((a, b) => a.from - b.from)) {
        if (term.from < at) throw new NotACell("two matrices over one part of the input");
        if (term.from > at) pieces.push(zeros([hiddenSize, term.from - at]));
        pieces.push(this.term(term, hiddenSize));
        at = term.from + term.count;
      }
      if (at < width) pieces.push(zeros([hiddenSize, width - at]));
      return this.recorder.concatenate(pieces, 1);
    });
    return this.recorder.concatenate(parts, 1);
  }

  /** Numbers without a matrix are those of the units; a single one is that of all. */
  private term({ count, block }: InputTerm, hiddenSize: number): Value {
    if (block) return this.block(block, hiddenSize);
    const one = zeros([hiddenSize, count]);
    const data = Float32Array.from({ length: size(one.shape) }, (_, k) =>
      count === 1 || Math.floor(k / count) === k % count ? 1 : 0,
    );
    return { ...one, data };
  }

  /** A block [rows, over], of one row that many times. */
  private block({ matrix, outputs, from, count, over }: Block, rows: number): Value {
    const { recorder } = this;
    const cut = recorder.slice(recorder.slice(matrix, outputs, from, count), 1 - outputs, over.from, over.count);
    return recorder.expand(outputs === 0 ? cut : recorder.transpose(cut, [1, 0]), [rows, over.count]);
  }

  private bias(biases: readonly Bias[], rows: number): Value {
    const { recorder } = this;
    const parts = biases.map(({ value, from, count }) => {
      const numbers = recorder.reshape(value, [size(value.shape)]);
      return recorder.expand(numbers.shape[0] === 1 ? numbers : recorder.slice(numbers, 0, from, count), [rows]);
    });
    return parts.length === 0
      ? zeros([rows])
      : parts.reduce((a, b) => recorder.pointwise([a, b], (x, y) => add(x, y), "float32"));
  }
}

const zeros = (shape: readonly number[]) =>
  ({ type: "float32", shape, data: new Float32Array(size(shape)), constant: true }) as const;
