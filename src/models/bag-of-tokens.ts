import { type Embedding, embedding } from "../layers/embedding.ts";
import type { MaskInput } from "../layers/layer.ts";
import { less, mul, select, variable } from "../math/expression.ts";
import { expectInteger, UsageError } from "../shared/errors.ts";
import { add } from "../tensor/arithmetic.ts";
import type { Tensor } from "../tensor/graph.ts";
import { reduce, reshape } from "../tensor/operations.ts";
import type { Parameter } from "../tensor/parameter.ts";
import type { SequenceClassifierOptions, SequenceModel } from "./sequence-classifier.ts";

/**
 * Logistic regression on how often each token occurs, blind to their order: a baseline. Row v of `embedding.weight` [V, C] says how
 * much one occurrence of token v speaks for each class, `bias` [C] how frequent the classes are. All begin as zeros.
 */
export class BagOfTokens implements SequenceModel {
  readonly config: SequenceModel["config"];
  readonly parts: { readonly embedding: Embedding; readonly bias: Parameter };

  /** @throws UsageError "bad-option" without a vocabulary */
  constructor({ vocabularySize, classes, targetScaling }: SequenceClassifierOptions) {
    if (vocabularySize === undefined)
      throw new UsageError("bad-option", "bagOfTokens: expected vocabularySize, series have no tokens to count");
    const outputs = classes?.length ?? 1;
    const zeros = (shape: readonly number[]): Float64Array => new Float64Array(shape.reduce((a, b) => a * b));
    this.config = {
      vocabularySize: expectInteger("vocabularySize", vocabularySize, { min: 1 }),
      ...(classes && { classes }),
      ...(targetScaling && { targetScaling }),
    };
    this.parts = {
      embedding: embedding({ vocabularySize, embeddingSize: outputs, initialize: zeros }),
      bias: { shape: [outputs], initialize: zeros },
    };
  }

  forward(tokens: Tensor, { mask }: MaskInput = {}): Tensor {
    const [steps, batch] = tokens.shape as [number, number];
    const { graph } = tokens;
    const seen = mask ? reshape(mask, [steps, batch, 1]) : graph.constant([1, 1, 1], [1]);
    const votes = this.parts.embedding.forward(tokens);
    const value = select(less(0, variable("seen")), mul(variable("votes"), variable("seen")), 0);
    const sum = reshape(reduce({ votes, seen }, value, [0]), [batch, votes.shape[2]!]);
    return add(sum, graph.parameter(this.parts.bias));
  }
}
