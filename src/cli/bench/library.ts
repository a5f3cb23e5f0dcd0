import type { gru } from "../../cells/gru.ts";
import type { lstm } from "../../cells/lstm.ts";
import type { openMachine } from "../../compute/open.ts";
import type { linear } from "../../layers/linear.ts";
import type { recurrent } from "../../layers/recurrent.ts";
import type { meanSquaredError } from "../../losses/mean-squared-error.ts";
import type { languageModel } from "../../models/language-model.ts";
import type { languageModelLoss } from "../../models/language-model-loss.ts";
import type { adam } from "../../optimizers/adam.ts";
import type { quantize } from "../../run/quantize.ts";
import type { openSession } from "../../run/session.ts";
import type { compile } from "../../tensor/executable.ts";
import type { Graph } from "../../tensor/graph.ts";
import type { matmul, reshape } from "../../tensor/operations.ts";
import type { layoutParameters } from "../../tensor/parameter.ts";
import type { createParameters } from "../../tensor/parameter-store.ts";
import type { openTrainingStep } from "../../train/step.ts";

/**
 * What the measured work uses of the library. It is handed in, so that the same work runs on the modules beside it, on an installed
 * package and on the bundle that a page loads.
 */
export interface Library {
  readonly adam: typeof adam;
  readonly compile: typeof compile;
  readonly createParameters: typeof createParameters;
  readonly Graph: typeof Graph;
  readonly gru: typeof gru;
  readonly languageModel: typeof languageModel;
  readonly languageModelLoss: typeof languageModelLoss;
  readonly layoutParameters: typeof layoutParameters;
  readonly linear: typeof linear;
  readonly lstm: typeof lstm;
  readonly matmul: typeof matmul;
  readonly meanSquaredError: typeof meanSquaredError;
  readonly openMachine: typeof openMachine;
  readonly openSession: typeof openSession;
  readonly openTrainingStep: typeof openTrainingStep;
  readonly quantize: typeof quantize;
  readonly recurrent: typeof recurrent;
  readonly reshape: typeof reshape;
}
