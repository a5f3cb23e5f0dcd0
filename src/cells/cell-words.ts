import {
  abs,
  type Expression,
  erf,
  exp,
  log,
  log1p,
  max,
  min,
  sigmoid,
  sqrt,
  square,
  tanh,
} from "../math/expression.ts";
import { relu, silu, softplus, softsign } from "../math/functions.ts";

/** Functions of one value that cells in words may call. */
export const functionsOfOne: Readonly<Record<string, (x: Expression) => Expression>> = {
  ...{ sigmoid, σ: sigmoid, tanh, exp, log, ln: log, log1p, sqrt, abs, erf },
  ...{ square, relu, silu, softplus, softsign },
};

/** Functions of two. */
export const functionsOfTwo: Readonly<Record<string, (a: Expression, b: Expression) => Expression>> = { min, max };

/** Names that cannot be given to a value: they mean something already. */
export const isTaken = (name: string): boolean =>
  ["x", "if", "mean", "mask", "state", "weight", "gates", "bias"].includes(name) ||
  Object.hasOwn(functionsOfOne, name) ||
  Object.hasOwn(functionsOfTwo, name) ||
  name in Object.prototype;
