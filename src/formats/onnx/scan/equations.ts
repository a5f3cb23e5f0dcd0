import { variables } from "../../../cells/define.ts";
import { add, type Expression, product, variable } from "../../../math/expression.ts";
import { UsageError } from "../../../shared/errors.ts";
import type { Value } from "../../value.ts";

/** What the body of a scan computes is nothing that the equations of a cell say: then it is recorded once an element. */
export class NotACell extends UsageError {
  constructor(why: string) {
    super("unsupported-onnx", why);
  }
}

/** Some outputs of a matrix of the graph, over some of what it multiplies. */
export interface Block {
  readonly matrix: Value;
  /** The axis of its outputs. */
  readonly outputs: 0 | 1;
  readonly from: number;
  readonly count: number;
  readonly over: { readonly from: number; readonly count: number };
}

/** Elements of a vector of the graph; of a single number that many times. */
export interface Bias {
  readonly value: Value;
  readonly from: number;
  readonly count: number;
}

/** Columns of what is given to each step, times a matrix; without one as they are. */
export interface InputTerm {
  readonly source: number;
  readonly from: number;
  readonly count: number;
  readonly block?: Block | undefined;
}

/** `W x + b`: what a gate sees of the input. */
export interface InputSum {
  readonly terms: readonly InputTerm[];
  readonly biases: readonly Bias[];
}

/** `U v + b` */
export interface Product {
  readonly operand: Expression;
  readonly block: Block;
  readonly biases: readonly Bias[];
}

/** A sum that is kept open as long as more can be added to it: that of a gate in the end. */
export interface Sum {
  readonly input?: InputSum | undefined;
  readonly products: readonly Product[];
  /** What it is called in the graph. */
  label?: string | undefined;
}

/** A gate as it is found: its input part, its recurrent part, or both. */
export interface FoundGate {
  readonly input?: FoundPart<InputSum> | undefined;
  readonly product?: FoundPart<Product> | undefined;
}
export interface FoundPart<T> {
  /** The name that stands for it in the equations until all gates are known. */
  readonly key: string;
  readonly of: T;
  /** H, or P of a product that projects. */
  readonly width: number;
  label: string | undefined;
}

/** Gathers what equations read: parts of gates, and numbers of each unit. Equal ones are one. */
export class ScanEquations {
  readonly inputs = new Map<string, FoundPart<InputSum>>();
  readonly products = new Map<string, FoundPart<Product>>();
  readonly weights = new Map<string, FoundPart<Bias>>();
  /** Input parts and the recurrent parts that they are added to, by their keys. */
  readonly pairs = new Map<string, string>();
  private readonly ids = new Map<object, number>();

  /** A sum as an expression, to which nothing is added any more. */
  settled({ input, products, label }: Sum, width: number): Expression {
    const x = input && this.found(this.inputs, inputKey(input, this.id), input, width, label);
    const parts = products.map((one) =>
      this.found(this.products, productKey(one, this.id), one, width, input ? undefined : label),
    );
    const [first] = parts;
    const free = (key: string): boolean => ![...this.pairs].flat().includes(key);
    if (x && first && free(x.key) && free(first.key)) this.pairs.set(x.key, first.key);
    const terms = [...(x ? [variables.input(x.key)] : []), ...parts.map((part) => product(part.key, part.of.operand))];
    return terms.reduce((a, b) => add(a, b));
  }

  /** A number of each unit, the same for all examples at all steps. */
  weight(value: Value, width: number, label: string | undefined): Expression {
    const bias = { value, from: 0, count: width };
    return variable(`weight.${this.found(this.weights, `${this.id(value)} ${width}`, bias, width, label).key}`);
  }

  private found<T>(
    all: Map<string, FoundPart<T>>,
    identity: string,
    of: T,
    width: number,
    label: string | undefined,
  ): FoundPart<T> {
    const key = `${identity}, ${width}`;
    const known = all.get(key) ?? { key, of, width, label };
    known.label ??= label;
    all.set(key, known);
    return known;
  }

  private readonly id = (one: object): number => {
    const known = this.ids.get(one) ?? this.ids.size;
    this.ids.set(one, known);
    return known;
  };
}

type Id = (one: object) => number;
const blockKey = ({ matrix, outputs, from, count, over }: Block, id: Id): string =>
  `${id(matrix)}/${outputs}/${from}/${count}/${over.from}/${over.count}`;
const biasKey = (biases: readonly Bias[], id: Id): string =>
  biases.map(({ value, from, count }) => `+${id(value)}/${from}/${count}`).join("");
const inputKey = ({ terms, biases }: InputSum, id: Id): string =>
  `x${terms.map(({ source, from, count, block }) => `${source}/${from}/${count}${block ? blockKey(block, id) : ""}`)}${biasKey(biases, id)}`;
const productKey = ({ operand, block, biases }: Product, id: Id): string =>
  `u${operand.id} ${blockKey(block, id)}${biasKey(biases, id)}`;
