import { choice, number } from "./fields.ts";

const rate = (about: string, otherwise: string) => number({ about, ...{ unit: "share", min: 0, below: 1, otherwise } });

/** What a language model drops in training, beside `dropout`. */
export const dropoutFields = {
  inputDropout: rate("share of the values of the embedding that is dropped in training", "--dropout"),
  layerDropout: rate("share of the values between recurrent layers that is dropped", "--dropout"),
  outputDropout: rate("share of the values before the output that is dropped", "--dropout"),
  embeddingDropout: rate("share of the words of the vocabulary that is dropped, for an update each", "0"),
  weightDropout: rate("share of the recurrent weights that is dropped, for an update each", "0"),
  dropoutPer: choice(["step", "sequence"], {
    about: "whether masks of values are drawn for each step, or once for all steps of an update",
    ...{ unit: "how", otherwise: "step" },
  }),
  activationPenalty: number({
    about: "how much the mean square of the last layer's output adds to the loss",
    ...{ unit: "number", min: 0, otherwise: "0" },
  }),
  changePenalty: number({
    about: "how much the mean square of its change from step to step adds to the loss",
    ...{ unit: "number", min: 0, otherwise: "0" },
  }),
} as const;
