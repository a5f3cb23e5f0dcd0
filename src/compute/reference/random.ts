import { philox4x32 } from "../../shared/philox.ts";
import { uniform } from "../../shared/random.ts";
import type { RandomFill } from "../plan.ts";
import type { Operands } from "./kernels.ts";

/** Random numbers as a function of example, step and unit, as plan.ts says. */
export function random({ shape, strides, draw }: RandomFill): (operands: Operands) => void {
  const [examples, steps, units] = shape;
  const [perExample, perStep, perUnit] = strides as [number, number, number];
  const numberOf = (word: number): number =>
    draw.kind === "uniform" ? uniform(word) : uniform(word) < draw.rate ? 0 : draw.scale;
  return ({ key, out }) => {
    const [seed, purpose, update, first] = key as unknown as [number, number, number, number];
    for (let r = 0; r < examples; r++)
      for (let s = 0; s < steps; s++)
        for (let u = 0; u < units; u += 4) {
          const words = philox4x32([u / 4, s, first + r, update], [seed, purpose]);
          for (let lane = 0; lane < 4 && u + lane < units; lane++)
            out![r * perExample + s * perStep + (u + lane) * perUnit] = numberOf(words[lane]!);
        }
  };
}
