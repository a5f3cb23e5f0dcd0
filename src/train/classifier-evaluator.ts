import type { Examples } from "../data/examples.ts";
import type { Classifier } from "../run/classifier.ts";
import { classifierScores, numberScores } from "../run/evaluate-classifier.ts";
import type { Evaluator } from "./evaluator.ts";
import { inPieces } from "./in-pieces.ts";

/** What is measured of classes, and of numbers. */
export const CLASS_METRICS = { loss: "min", accuracy: "max", macroF1: "max" } as const;
export const NUMBER_METRICS = { loss: "min", rmse: "min", mae: "min" } as const;

/** Measures `CLASS_METRICS`, or of a regression `NUMBER_METRICS`; closes the classifier's plans, not the parameters. */
export const classifierEvaluator = (classifier: Classifier, examples: Examples): Evaluator => ({
  async run(options) {
    const { inputs, labels } = examples;
    if (classifier.model.config.classes) {
      const said = await inPieces(inputs, (piece, how) => classifier.predict(piece, how), options);
      const { loss, accuracy, macroF1 } = classifierScores(classifier, labels, said);
      return { loss, accuracy, macroF1 };
    }
    const said = await inPieces(inputs, (piece, how) => classifier.predictNumbers(piece, how), options);
    const { loss, rmse, mae } = numberScores(classifier, examples, said);
    return { loss, rmse, mae };
  },
  close: () => classifier.close(),
});
