import type { Range } from "../compute/plan.ts";
import { abs, add, type Expression, equal, less, lessEqual, mul, select, variable } from "../math/expression.ts";
import { LARGEST_FLOAT32 } from "../shared/finite.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";

/** Results of training steps since the last reading. */
export interface StepReading {
  /** Loss of the last step. */
  readonly loss: number;
  /** Sum of the losses since the last reading. */
  readonly lossSum: number;
  /** Norm of all gradients at the last step, before clipping. */
  readonly gradientNorm: number;
  /** Updates skipped so far because a gradient was not finite. */
  readonly skipped: number;
  /** The first step at which training failed (a loss or norm that is not finite, or many skipped updates in a row); 0: none. */
  readonly failedAt: number;
}

/** After so many skipped updates in a row training has failed: the next one would be skipped too. */
export const MOST_SKIPPED_IN_A_ROW = 20;

/** Numbers that plans keep for the host in an arena of their own: a plan for gradients writes `loss`, the plan of the update the others. */
export const NOTES = ["loss", "lossSum", "gradientNorm", "skipped", "failedAt", "skippedInARow"] as const;
type Note = (typeof NOTES)[number];
export const NOTES_ARENA = "notes";

/** Reserves the notes. It must be the first reservation in their arena, so that they lie at the same place in all graphs. */
export function reserveNotes(graph: Graph): Record<Note, Range> {
  const whole = graph.reserve(NOTES_ARENA, NOTES.length);
  graph.output(NOTES_ARENA, graph.tensor([NOTES.length], whole));
  const places = NOTES.map((name, k) => [name, { ...whole, offset: whole.offset + k, length: 1 }]);
  return Object.fromEntries(places) as Record<Note, Range>;
}

/** Records the update of the notes on the machine. */
export function takeNotes(
  graph: Graph,
  notes: Record<Note, Range>,
  step: { readonly norm: Tensor; readonly skip: Tensor },
): void {
  const { loss, ...kept } = notes;
  const inputs = {
    ...{ loss, norm: step.norm.range, skip: step.skip.range },
    ...{ step: graph.scalar("step").range, fresh: graph.scalar("fresh").range },
  };
  const v = (name: keyof typeof inputs | Exclude<Note, "loss">): Expression => variable(name);
  const row = mul(v("skip"), add(v("skippedInARow"), 1));
  // An infinite norm may be transient (its update is skipped); NaN comes back at every step.
  const isNumber = lessEqual(v("norm"), Number.POSITIVE_INFINITY);
  const failed = select(
    lessEqual(abs(v("loss")), LARGEST_FLOAT32),
    select(isNumber, select(less(row, MOST_SKIPPED_IN_A_ROW), 0, v("step")), v("step")),
    v("step"),
  );
  const next: Record<keyof typeof kept, Expression> = {
    lossSum: select(equal(v("fresh"), 1), v("loss"), add(v("lossSum"), v("loss"))),
    gradientNorm: v("norm"),
    skipped: add(v("skipped"), v("skip")),
    failedAt: select(equal(v("failedAt"), 0), failed, v("failedAt")),
    skippedInARow: row,
  };
  const names = Object.keys(kept) as (keyof typeof kept)[];
  graph.launch(
    {
      op: "pointwise",
      shape: [1],
      inputs: Object.fromEntries([...Object.keys(inputs), ...names].map((name) => [name, [1]])),
      outputs: Object.fromEntries(names.map((name) => [`new ${name}`, { value: next[name], strides: [1] }])),
    },
    { ...inputs, ...kept, ...Object.fromEntries(names.map((name) => [`new ${name}`, kept[name]])) },
  );
}
