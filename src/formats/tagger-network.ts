import type { SequenceTagger } from "../models/sequence-tagger.ts";
import { UsageError } from "../shared/errors.ts";
import {
  ABOUT_TOKENS,
  type DescribedModel,
  DROPOUT_LEFT_OUT,
  listed,
  NetworkBuilder,
  TOKENS,
  type Weights,
} from "./network-builder.ts";

/**
 * A tagger as a network of layers: input `tokens` [B, T], the words of sentences, outputs `logits` and `probabilities` [B, T, C]; with a
 * conditional random field `emissions` [B, T, C] in their place, since the search for the best sequence of tags is no layer. Intents are
 * `intentLogits` and `intentProbabilities` [B, I]. Where it reads in one direction, and has no intents, it goes on from piece to piece.
 *
 * @throws UsageError "not-convertible" for one that reads the characters of words, "bad-cell" for a cell of code that words cannot say
 */
export function networkOfTagger({ config, parts }: SequenceTagger, trained: Weights): DescribedModel {
  const { tags, intents, cell, dropout, inputDropout = dropout, outputDropout = dropout } = config;
  const { embedding, rnn, head, field, intent, characters } = parts;
  if (characters)
    throw new UsageError(
      "not-convertible",
      "it reads words by their characters, of which each word has another number, and the layers of a network take no lengths; a tagger of words alone is one (--no-characters)",
    );
  const network = new NetworkBuilder(trained);
  const read = network.addEmbedding("embedding", embedding, TOKENS.name);
  const independent = config.bidirectional || intent !== undefined;
  const steps = network.addStack("rnn", rnn, { cell, last: false, independent }, read);
  const scores = network.addLinear("head", head, steps);
  const outputs = field
    ? [{ name: "emissions", value: scores }]
    : [
        { name: "logits", value: scores },
        { name: "probabilities", value: network.addSoftmax("softmax", scores) },
      ];
  if (intent) {
    const pooled = network.add("pool", { kind: "pooling", of: "max", window: "global" }, steps);
    const value = network.addLinear("intent", intent, pooled);
    outputs.push({ name: "intentLogits", value });
    outputs.push({ name: "intentProbabilities", value: network.addSoftmax("intentSoftmax", value) });
  }
  return {
    network: network.finish({ name: "tagger", inputs: [TOKENS], outputs }),
    conventions: [
      ABOUT_TOKENS,
      `the tags are, in this order: ${listed(tags)}`,
      ...(intents ? [`the intents are, in this order: ${listed(intents)}`] : []),
      ...(field
        ? [
            `the conditional random field is left out: tags are the best sequence under these emissions and field.start, field.transitions and field.end of the run (model.safetensors)${config.scheme ? `, of those that ${config.scheme} allows` : ""}`,
          ]
        : []),
      ...(Math.max(dropout, inputDropout, outputDropout) > 0 ? [DROPOUT_LEFT_OUT] : []),
    ],
  };
}
