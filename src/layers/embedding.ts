import { expectInteger, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { gather } from "../tensor/operations.ts";
import type { Initializer, Parameter } from "../tensor/parameter.ts";
import { type InitializationName, initializerOf, normal } from "./initialize.ts";
import type { Layer } from "./layer.ts";

/** Options of `embedding`. */
export interface EmbeddingOptions {
  /** V: number of tokens. */
  readonly vocabularySize: number;
  /** E: numbers per token. */
  readonly embeddingSize: number;
  /** A token whose vector starts as zeros and gets no gradient. Default none. */
  readonly paddingIndex?: number | undefined;
  /** Initialization of the weight: a rule or its name. Default N(0, 1), as in PyTorch. */
  readonly initialize?: InitializationName | Initializer | undefined;
}

/** The layer of `embedding`. */
export interface Embedding extends Layer {
  /** [V, embeddingSize]; pass it to `linear({ weight })` to tie a head to it. */
  readonly weight: Parameter;
}

/**
 * Creates an embedding layer, one learned vector per token: input integers [...] in [0, V), output [..., embeddingSize]. Parameter
 * `weight`. Declare the input with `graph.input(name, shape, { type: "int", below: V })`, so that other numbers are refused.
 */
export function embedding(options: EmbeddingOptions): Embedding {
  expectOptions("embedding", options, {
    vocabularySize: "required",
    embeddingSize: "required",
    paddingIndex: 1,
    initialize: 1,
  });
  const rows = expectInteger("embedding: vocabularySize", options.vocabularySize, { min: 1 });
  const columns = expectInteger("embedding: embeddingSize", options.embeddingSize, { min: 1 });
  const { paddingIndex } = options;
  const initialize = initializerOf(options.initialize ?? normal());
  if (paddingIndex !== undefined) expectInteger("embedding: paddingIndex", paddingIndex, { min: 0, max: rows - 1 });
  const weight: Parameter = {
    shape: [rows, columns],
    initialize(shape, random) {
      const values = Float64Array.from(initialize(shape, random));
      return paddingIndex === undefined ? values : values.fill(0, paddingIndex * columns, (paddingIndex + 1) * columns);
    },
  };
  return {
    weight,
    parts: { weight },
    forward(tokens: Tensor): Tensor {
      expectTensor("embedding", tokens);
      if (tokens.range.type !== "int")
        throw new UsageError(
          "not-an-integer",
          'embedding: expected whole numbers, got a tensor of floating-point numbers; declare the input with `graph.input(name, shape, { type: "int" })`, and cut it with `slice`, `reshape`, `transpose` or `concatenate` alone: what equations compute is floating-point',
        );
      return gather(tokens, tokens.graph.parameter(weight), { paddingIndex });
    },
  };
}
