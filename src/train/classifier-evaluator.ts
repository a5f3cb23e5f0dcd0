import type { Examples } from "../data/examples.ts";
import type { Classifier } from "../run/classifier.ts";
import { measureClassifier, measureRegression } from "../run/measure-classifier.ts";
import type { Evaluator } from "./evaluator.ts";

/** Measures `loss`, `accuracy` and `macroF1`, or of a regression `loss`, `rmse` and `mae`; closes the classifier's plans, not the parameters. */
export const classifierEvaluator = (classifier: Classifier, examples: Examples): Evaluator => ({
  async run(signal) {
    if (signal?.aborted) return undefined;
    if (classifier.model.config.classes) {
      const { loss, accuracy, macroF1 } = await measureClassifier(classifier, examples);
      return { loss, accuracy, macroF1 };
    }
    const { loss, rmse, mae } = await measureRegression(classifier, examples);
    return { loss, rmse, mae };
  },
  close: () => classifier.close(),
});
