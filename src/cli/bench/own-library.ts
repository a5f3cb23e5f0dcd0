import { gru } from "../../cells/gru.ts";
import { lstm } from "../../cells/lstm.ts";
import { openMachine } from "../../compute/open.ts";
import { linear } from "../../layers/linear.ts";
import { recurrent } from "../../layers/recurrent.ts";
import { meanSquaredError } from "../../losses/mean-squared-error.ts";
import { languageModel } from "../../models/language-model.ts";
import { languageModelLoss } from "../../models/language-model-loss.ts";
import { adam } from "../../optimizers/adam.ts";
import { quantize } from "../../run/quantize.ts";
import { openSession } from "../../run/session.ts";
import { compile } from "../../tensor/executable.ts";
import { Graph } from "../../tensor/graph.ts";
import { matmul, reshape } from "../../tensor/operations.ts";
import { layoutParameters } from "../../tensor/parameter.ts";
import { createParameters } from "../../tensor/parameter-store.ts";
import { openTrainingStep } from "../../train/step.ts";
import type { Library } from "./library.ts";

/** The modules beside this one. */
export const ownLibrary: Library = {
  ...{ adam, compile, createParameters, Graph, gru, languageModel, languageModelLoss, layoutParameters, linear, lstm },
  ...{ matmul, meanSquaredError, openMachine, openSession, openTrainingStep, quantize, recurrent, reshape },
};
