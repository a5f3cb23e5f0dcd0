import { choice, number } from "./fields.ts";

const rate = (about: string, otherwise: string) => number({ about, ...{ unit: "share", min: 0, below: 1, otherwise } });

/** What a language model drops in training, beside `dropout`. */
export const dropoutFields = {
  inputDropout: rate("dropout rate for values of the embedding", "--dropout"),
  layerDropout: rate("dropout rate for values between recurrent layers", "--dropout"),
  outputDropout: rate("dropout rate for values before the output", "--dropout"),
  embeddingDropout: rate("dropout rate for whole words of the vocabulary, drawn for each update", "0"),
  weightDropout: rate("dropout rate for recurrent weights, drawn for each update", "0"),
  dropoutPer: choice(["step", "sequence"], {
    about: "whether dropout masks of values are drawn at each step, or once per update for all steps",
    ...{ unit: "how", otherwise: "step" },
  }),
  activationPenalty: number({
    about: "penalty factor for the mean square of the last layer's output",
    ...{ unit: "number", min: 0, otherwise: "0" },
  }),
  changePenalty: number({
    about: "penalty factor for the mean square of its change from step to step",
    ...{ unit: "number", min: 0, otherwise: "0" },
  }),
} as const;
