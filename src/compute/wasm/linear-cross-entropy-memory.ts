import { TILES_BYTES } from "../../print/wasm/panel-product.ts";
import type { SoftmaxMemory } from "../../print/wasm/softmax-rows.ts";
import type { LinearCrossEntropy } from "../plan.ts";
import type { LaunchContext } from "./launch.ts";

/** Classes that are worked on together: their logits of a block of rows stay in the second cache from one pass to the next. */
export const SLICE = 240;
/** Bytes that the logits of a block of rows may take. */
const BLOCK = 32 * 2 ** 20;
/** The most rows of a block: many where the weights come from afar, so that they come seldom; where they are near, few whose logits are. */
const [MANY_ROWS, SOME_ROWS, NEAR] = [768, 128, 2 ** 20];

/** Whether the weights are near: then each thread goes over all of them with rows of its own, else over some of them with all rows of a block. */
const isNear = ({ classes, columns }: LinearCrossEntropy): boolean => classes * columns * 4 <= NEAR;

/** The most groups of blocks whose sums over rows are taken apart, and bytes that their sums may take. */
const [GROUPS, SUMS] = [16, 2 ** 21];

/** How many groups there are where the weights are near: what threads can share. A function of the shapes alone, as the blocks are. */
const groupsOf = ({ rows, classes, columns }: LinearCrossEntropy, together: number): number =>
  Math.min(GROUPS, Math.ceil(rows / together), Math.floor(SUMS / (classes * columns * 4)));

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/**
 * Rows of a block, a multiple of 16, all blocks as even as may be: a short one reads all weights for little. A function of the shapes
 * alone, because some sums over rows are taken block by block.
 */
function rowsTogether({ rows, classes }: LinearCrossEntropy, near: boolean): number {
  const fitting = Math.max(16, Math.floor(BLOCK / (classes * 64)) * 16);
  const most = Math.min(fitting, near ? SOME_ROWS : MANY_ROWS);
  return roundUp(Math.ceil(rows / Math.ceil(rows / most)), 16);
}

/** Scratch memory. Arrays over rows hold those of one block, unless said otherwise. */
export interface Layout extends SoftmaxMemory {
  /** Whether threads take blocks of rows, and not parts of the classes. */
  readonly near: boolean;
  /** Rows of a block; `rows` has room for one of each thread that takes its own, of no more than there are groups. */
  readonly together: number;
  /** Bytes of an array over all rows. */
  readonly all: number;
  /** Of all rows: what counts, which class was meant (0 where none), its weight, the losses. */
  readonly allCounted: number;
  readonly allTargets: number;
  readonly allWeights: number;
  readonly losses: number;
  readonly targets: number;
  readonly meant: number;
  readonly logit: number;
  readonly loss: number;
  /** What the gradient of a row's target is lowered by. */
  readonly target: number;
  /** [rows][H], [panels][H][16] and [⌈H/16⌉][rows][16] of x. */
  readonly rowsOfX: number;
  readonly turnedX: number;
  readonly packedX: number;
  /** [panels][H][16] */
  readonly dx: number;
  readonly groups: number;
  /** [groups] times `weightBytes`, [V][H]: sums over rows, one group's where they are wanted. */
  readonly weightSums: number;
  readonly weightBytes: number;
  /** [groups][V][4]: partial sums of the gradient of the bias; undefined: nobody asks. */
  readonly biasSums: number | undefined;
  /** [threads][SLICE][16] */
  readonly tile: number;
  /** [threads][TILES_BYTES] */
  readonly tiles: number;
  /** One number each: Σ w of all classes, ∂L/∂loss over the denominator; the denominator as float64. */
  readonly sumOfWeights: number;
  readonly scale: number;
  readonly total: number;
}

export function layout({ kernel, address, workspace, team }: LaunchContext<LinearCrossEntropy>): Layout {
  const { rows, columns: H, classes: V, gradients } = kernel;
  const near = isNear(kernel);
  const together = rowsTogether(kernel, near);
  const groups = near ? groupsOf(kernel, together) : 1;
  const weightBytes = roundUp(V * H, 16) * 4;
  const all = roundUp(rows, together) * 4;
  const room = near ? together * Math.min(team.threads, groups) : together;
  const some = room * 4;
  const [smoothing, trains] = [kernel.labelSmoothing > 0, gradients.length > 0];
  const slices = Math.ceil(V / SLICE);
  const numbers = workspace(64);
  return {
    ...{ near, together, all, classes: V, rows: room, groups, weightBytes },
    ...{ allCounted: workspace(all), allTargets: workspace(all), allWeights: workspace(all), losses: workspace(all) },
    ...{ counted: workspace(some), targets: workspace(some), meant: workspace(some), logit: workspace(some) },
    ...{ loss: workspace(some), factor: workspace(some), target: workspace(some) },
    smooth: smoothing ? workspace(some) : undefined,
    maxima: workspace(slices * some),
    sums: workspace(slices * room * 8),
    below: smoothing ? workspace(slices * room * 8) : undefined,
    sliceWeights: smoothing ? workspace(slices * 4) : undefined,
    bias: kernel.bias ? address("bias") : undefined,
    classWeight: kernel.weighted ? address("classWeight") : undefined,
    weightSums: gradients.includes("weight")
      ? groups === 1
        ? address("d.weight")
        : workspace(groups * weightBytes)
      : 0,
    biasSums: gradients.includes("bias") ? workspace(groups * V * 16) : undefined,
    logits: workspace(room * V * 4),
    rowsOfX: workspace(some * H),
    turnedX: workspace(some * H),
    packedX: trains ? workspace(some * roundUp(H, 16)) : 0,
    dx: trains ? workspace(some * H) : 0,
    tile: trains ? workspace(SLICE * 64 * team.threads) : 0,
    tiles: trains ? workspace(TILES_BYTES * team.threads) : 0,
    ...{ total: numbers, sumOfWeights: numbers + 8, scale: numbers + 12 },
  };
}
