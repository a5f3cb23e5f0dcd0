import { number, path, texts } from "./fields.ts";

/** How a training begins with the weights of another run. */
export const pretrainedFields = {
  pretrained: path({
    about:
      "run whose weights the training begins with: of `train text`, or of the same task; its tokenizer, cell and sizes are used",
    ...{ unit: "run", otherwise: "all weights begin with the seed" },
  }),
  pretrainedParts: texts({
    about: "parts to take of it, such as embedding, rnn or head",
    ...{
      unit: "part",
      otherwise: "what reads the input, and the head if it tells apart the same",
      needs: { key: "pretrained" },
    },
  }),
  pretrainedRate: number({
    about: "multiple of the learning rate for what was taken; 0: it stays as it is",
    ...{ unit: "factor", min: 0, default: 1, needs: { key: "pretrained" } },
  }),
} as const;
