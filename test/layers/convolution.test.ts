import fc from "fast-check";
import { expect, test } from "vitest";
import { convolution1d } from "../../src/layers/convolution.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { difference } from "../support/difference.ts";
import { evaluate, onMachines } from "./on-machines.ts";

/** The definition, written plainly: values and what a gradient of ones sends to the input. */
function plain(x: Float64Array, w: Float64Array, b: Float64Array, s: Record<string, number>): [number[], Float64Array] {
  const { steps, batch, inputs, outputs, kernel, stride, dilation, before, after } = s as Record<string, number> & {
    [K in "steps" | "batch" | "inputs" | "outputs" | "kernel" | "stride" | "dilation" | "before" | "after"]: number;
  };
  const count = Math.floor((steps + before + after - (kernel - 1) * dilation - 1) / stride) + 1;
  const out: number[] = [];
  const dx = new Float64Array(x.length);
  for (let t = 0; t < count; t++)
    for (let n = 0; n < batch; n++)
      for (let o = 0; o < outputs; o++) {
        let sum = b[o]!;
        for (let k = 0; k < kernel; k++) {
          const from = t * stride + k * dilation - before;
          if (from < 0 || from >= steps) continue;
          for (let c = 0; c < inputs; c++) {
            const weight = w[(o * inputs + c) * kernel + k]!;
            sum += weight * x[(from * batch + n) * inputs + c]!;
            dx[(from * batch + n) * inputs + c]! += weight;
          }
        }
        out.push(sum);
      }
  return [out, dx];
}

onMachines("convolution over time", (machine, tolerance) => {
  test("any kernel, stride, dilation and padding: as defined", async () => {
    const drawn = fc.record({
      steps: fc.integer({ min: 3, max: 12 }),
      batch: fc.integer({ min: 1, max: 3 }),
      inputs: fc.integer({ min: 1, max: 4 }),
      outputs: fc.integer({ min: 1, max: 4 }),
      kernel: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 3 }),
      dilation: fc.integer({ min: 1, max: 3 }),
      before: fc.integer({ min: 0, max: 3 }),
      after: fc.integer({ min: 0, max: 3 }),
    });
    const check = async (s: Record<string, number>): Promise<void> => {
      const { steps = 0, batch = 0, inputs = 0, outputs = 0, kernel = 0, stride = 1, dilation = 1 } = s;
      fc.pre(steps + s.before! + s.after! >= (kernel - 1) * dilation + 1);
      const numbers = (n: number, name: string): Float64Array => new RandomStream(3, name).normal(n);
      const [x, w, b] = [
        numbers(steps * batch * inputs, "x"),
        numbers(outputs * inputs * kernel, "w"),
        numbers(outputs, "b"),
      ];
      const layer = convolution1d({
        inputSize: inputs,
        outputSize: outputs,
        kernelSize: kernel,
        stride,
        dilation,
        padding: [s.before!, s.after!],
      });
      const { output, shape, gradients } = await evaluate({
        machine: machine(),
        inputs: { x: { shape: [steps, batch, inputs], data: x } },
        build: (t) => layer.forward(t.x!),
        model: layer,
        parameters: {
          weight: { shape: [outputs, inputs, kernel], data: w },
          bias: { shape: [outputs], data: b },
        },
      });
      const [expected, dx] = plain(x, w, b, s);
      expect(shape).toEqual([layer.outputSteps(steps), batch, outputs]);
      expect(difference(output, expected)).toBeLessThan(tolerance.output);
      expect(difference(gradients.x!, dx)).toBeLessThan(tolerance.gradient);
    };
    await fc.assert(fc.asyncProperty(drawn, check), { numRuns: 20 });
  });

  test("what does not fit is refused in words", async () => {
    const layer = convolution1d({ inputSize: 2, outputSize: 1, kernelSize: 3, dilation: 2 });
    const run = (...shape: number[]) =>
      evaluate({
        machine: machine(),
        inputs: { x: { shape, data: new Float64Array(shape.reduce((a, b) => a * b)) } },
        build: (t) => layer.forward(t.x!),
        model: layer,
      });
    await expect(run(9, 1, 3)).rejects.toThrow("convolution1d: input: expected shape [T, B, 2], got [9, 1, 3]");
    await expect(run(4, 1, 2)).rejects.toThrow("the kernel spans 5 steps, the input has 4 with 0 of padding");
    expect(() => convolution1d({ inputSize: 0, outputSize: 1, kernelSize: 1 })).toThrow("inputSize");
    expect(() => convolution1d({ inputSize: 1, outputSize: 1, kernelSize: 1, padding: -1 })).toThrow("padding");
  });
});
