import { expect, test } from "vitest";
import { lstm } from "../../src/cells/lstm.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { sequenceClassifier } from "../../src/models/sequence-classifier.ts";
import { sequenceForecaster } from "../../src/models/sequence-forecaster.ts";
import { sequenceTagger } from "../../src/models/sequence-tagger.ts";
import { type HasParameters, layoutParameters } from "../../src/tensor/parameter.ts";

const [plain, projecting] = [lstm(), lstm({ projection: true })];

test.each<[string, (options: { cell: typeof plain; projectionSize?: number }) => HasParameters]>([
  ["languageModel", (o) => languageModel({ vocabularySize: 3, hiddenSize: 4, ...o })],
  ["sequenceClassifier", (o) => sequenceClassifier({ channels: 3, hiddenSize: 4, ...o })],
  ["sequenceForecaster", (o) => sequenceForecaster({ channels: 3, targets: 1, horizon: 2, hiddenSize: 4, ...o })],
  ["sequenceTagger", (o) => sequenceTagger({ vocabularySize: 3, tags: ["a", "b"], hiddenSize: 4, ...o })],
])("%s takes a width of the projection where its cell has one, and only there", (_, make) => {
  const { names } = layoutParameters(make({ cell: projecting, projectionSize: 2 }));
  expect([...names].find(([name]) => name.includes("weight_hr_l0"))?.[1].shape).toEqual([2, 4]);
  expect(() => make({ cell: projecting })).toThrow(/projectionSize: .* at least 1/);
  expect(() => make({ cell: plain, projectionSize: 2 })).toThrow(
    'projectionSize is 2, but cell "lstm" has no projection; leave it 0',
  );
});
