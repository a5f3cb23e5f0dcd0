import { describe, expectInteger, ShapeError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { concatenate, matmul, reshape, slice, transpose } from "../tensor/operations.ts";
import type { Parameter } from "../tensor/parameter.ts";
import { uniform } from "./initialize.ts";
import type { Layer } from "./layer.ts";

/** Options of `convolution1d`. */
export interface Convolution1dOptions {
  /** Number of input channels. */
  readonly inputSize: number;
  /** Number of output channels. */
  readonly outputSize: number;
  /** Number of steps that the kernel covers. */
  readonly kernelSize: number;
  /** Steps between two outputs. Default 1. */
  readonly stride?: number | undefined;
  /** Steps of zeros at both ends, or [before, after]. `[(kernelSize − 1) · dilation, 0]` makes the convolution causal. Default 0. */
  readonly padding?: number | readonly [before: number, after: number] | undefined;
  /** Steps between the elements of the kernel. Default 1. */
  readonly dilation?: number | undefined;
  /** Whether a bias is added. Default true. */
  readonly bias?: boolean | undefined;
}

/** The layer of `convolution1d`. */
export interface Convolution1d extends Layer {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  /** T′ for T steps; 0 or less when the kernel does not fit. */
  outputSteps(steps: number): number;
}

/**
 * Cross-correlation over time, as deep learning calls convolution: `out_t = b + Σ_k W_k x_{t·stride + k·dilation − padding}`.
 *
 * Input [T, B, inputSize], output [T′, B, outputSize]. Parameters `weight` [outputSize, inputSize, kernelSize] and `bias`
 * [outputSize], both from U(±1/√(inputSize · kernelSize)), as in PyTorch. For tensors [B, C, T] see `fromBatchChannelTime`.
 */
export function convolution1d(options: Convolution1dOptions): Convolution1d {
  expectOptions("convolution1d", options, {
    inputSize: "required",
    outputSize: "required",
    kernelSize: "required",
    stride: 1,
    padding: 1,
    dilation: 1,
    bias: 1,
  });
  const whole = (name: "inputSize" | "outputSize" | "kernelSize" | "stride" | "dilation"): number =>
    expectInteger(`convolution1d: ${name}`, options[name] ?? 1, { min: 1 });
  const [inputSize, outputSize, kernelSize] = [whole("inputSize"), whole("outputSize"), whole("kernelSize")];
  const [stride, dilation] = [whole("stride"), whole("dilation")];
  const { padding = 0 } = options;
  const ends = typeof padding === "number" ? [padding, padding] : padding;
  if (!Array.isArray(ends) || ends.length !== 2)
    throw new UsageError(
      "bad-option",
      `convolution1d: padding: expected a number or [before, after], got ${describe(padding)}`,
    );
  const [before, after] = ends.map((n) => expectInteger("convolution1d: padding", n, { min: 0 })) as [number, number];
  const initialize = uniform(1 / Math.sqrt(inputSize * kernelSize));
  const weight = { shape: [outputSize, inputSize, kernelSize], initialize };
  const bias = options.bias === false ? undefined : { shape: [outputSize], initialize };
  const span = (kernelSize - 1) * dilation + 1;
  const outputSteps = (steps: number): number => Math.floor((steps + before + after - span) / stride) + 1;
  return {
    weight,
    bias,
    parts: { weight, ...(bias && { bias }) },
    outputSteps,
    forward(x: Tensor): Tensor {
      expectTensor("convolution1d: input", x, ["T", "B", inputSize]);
      const { graph } = x;
      const [steps, batch] = x.shape as [number, number, number];
      const count = outputSteps(steps);
      if (count < 1)
        throw new ShapeError(
          "shape-mismatch",
          `convolution1d: the kernel spans ${span} steps, the input has ${steps} with ${before + after} of padding; give a longer input or more padding`,
        );
      // Padded so far that every element of the kernel finds `stride` rows for each step of the output.
      const length = span - 1 + count * stride;
      const padded = padSteps(x, before, length - before - steps);
      const taps = Array.from({ length: kernelSize }, (_, k) => {
        const rows = reshape(slice(padded, 0, k * dilation, k * dilation + count * stride), [
          count,
          stride,
          batch * inputSize,
        ]);
        return reshape(stride === 1 ? rows : slice(rows, 1, 0, 1), [count * batch, inputSize]);
      });
      // One product with the channels of all taps side by side: [T′·B, K·C] · [O, K·C]ᵀ.
      const side = kernelSize === 1 ? taps[0]! : concatenate(taps, 1);
      const matrix = reshape(transpose(graph.parameter(weight), [0, 2, 1]), [outputSize, kernelSize * inputSize]);
      const y = matmul(side, matrix, { transposeB: true, bias: bias && graph.parameter(bias) });
      return reshape(y, [count, batch, outputSize]);
    },
  };
}

/** Zeros before and after the steps of [T, B, C]; a negative `after` cuts steps off that no output needs. */
export function padSteps(x: Tensor, before: number, after: number): Tensor {
  const [steps, ...rest] = x.shape as [number, number, number];
  const zeros = (n: number): Tensor[] => {
    if (n <= 0) return [];
    const t = x.graph.empty([n, ...rest]);
    x.graph.fill(t.range, 0);
    return [t];
  };
  const kept = after < 0 ? slice(x, 0, 0, steps + after) : x;
  const parts = [...zeros(before), kept, ...zeros(after)];
  return parts.length === 1 ? kept : concatenate(parts, 0);
}

/** [B, C, T], as PyTorch's convolutions take sequences, to time-major [T, B, C]. */
export const fromBatchChannelTime = (x: Tensor): Tensor => transpose(x, [2, 0, 1]);
/** Time-major [T, B, C] to [B, C, T]. */
export const toBatchChannelTime = (x: Tensor): Tensor => transpose(x, [1, 2, 0]);
