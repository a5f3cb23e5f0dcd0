import type { PlainSpec } from "../canonical.ts";
import type { GatedCell } from "../gate-order.ts";

/** Keras' recurrent layers by their cell; a cell alone is called by the same name with "Cell" behind it. */
export const recurrentClasses: Readonly<Record<GatedCell, string>> = { rnn: "SimpleRNN", lstm: "LSTM", gru: "GRU" };

/** Keras' layers that join several values element by element. */
export const combiningClasses: Readonly<Record<Extract<PlainSpec, { kind: "combine" }>["by"], string>> = {
  ...{ add: "Add", average: "Average", maximum: "Maximum", minimum: "Minimum", multiply: "Multiply" },
  subtract: "Subtract",
};

/** Models, which may stand in place of a layer. */
export const modelClasses: readonly string[] = ["Sequential", "Functional", "Model"];
export const isModelClass = (className: string): boolean => modelClasses.includes(className);
