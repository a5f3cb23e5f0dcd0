import type { Operator } from "../node.ts";
import { control } from "./control.ts";
import { convolution } from "./convolution.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { linear } from "./linear.ts";
import { quantizedNodes } from "./quantized.ts";
import { recurrentNodes } from "./recurrent.ts";
import { reductions } from "./reductions.ts";
import { shapes } from "./shapes.ts";

/** Every operator that is supported, by ONNX' name. A name of a file never reaches an object's inherited properties. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  [recurrentNodes, linear, elementwise, shapes, indexing, reductions, convolution, control, quantizedNodes].flatMap(
    (part) => Object.entries(part),
  ),
);

/** Names of the supported operators, sorted. */
export const onnxOperators: readonly string[] = [...operators.keys()].sort();
