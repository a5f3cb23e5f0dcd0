import type { WordCharacters } from "../layers/word-characters.ts";
import type { CellConfig } from "../models/cell-choice.ts";
import type { SequenceTagger, SequenceTaggerConfig } from "../models/sequence-tagger.ts";
import type { CanonicalInput } from "./canonical.ts";
import {
  ABOUT_TOKENS,
  type DescribedModel,
  DROPOUT_LEFT_OUT,
  LENGTHS,
  listed,
  NetworkBuilder,
  TOKENS,
  type Weights,
} from "./network-builder.ts";

/**
 * A tagger as a network of layers: inputs `tokens` [B, T], the words of sentences, where it reads their characters `characters` [B, T, L]
 * and `characterLengths` [B, T], and `lengths` [B] where sentences are padded; outputs `logits` and `probabilities` [B, T, C]; with a
 * conditional random field `emissions` [B, T, C] in their place, since the search for the best sequence of tags is no layer. Intents are
 * `intentLogits` and `intentProbabilities` [B, I]. Where it reads in one direction, and has no intents, it goes on from piece to piece.
 *
 * @throws UsageError "bad-cell" for a cell of code that words cannot say
 */
export function networkOfTagger({ config, parts }: SequenceTagger, trained: Weights): DescribedModel {
  const { tags, intents, cell, dropout, inputDropout = dropout, outputDropout = dropout } = config;
  const { embedding, rnn, head, field, intent, characters } = parts;
  const network = new NetworkBuilder(trained);
  const sentence = network.addLengths("sentence", TOKENS.name, LENGTHS.name);
  const words = network.addEmbedding("embedding", embedding, sentence);
  const read = characters
    ? network.add(
        "words",
        { kind: "concatenate", axis: -1 },
        [words, byCharacters(network, characters, cell, sentence)],
        {},
      )
    : words;
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
    const pooled = network.add("pool", { kind: "pooling", of: "max", window: "global", skipMasked: true }, steps);
    const value = network.addLinear("intent", intent, pooled);
    outputs.push({ name: "intentLogits", value });
    outputs.push({ name: "intentProbabilities", value: network.addSoftmax("intentSoftmax", value) });
  }
  return {
    network: network.finish({
      name: "tagger",
      inputs: [TOKENS, ...(characters ? charactersOf(config) : []), LENGTHS],
      outputs,
    }),
    conventions: [
      ABOUT_TOKENS,
      ...(config.characters ? [aboutCharacters(config, config.characters)] : []),
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

/** The inputs of one that reads characters. */
const charactersOf = ({ wordLength = 0 }: SequenceTaggerConfig): readonly CanonicalInput[] => [
  { name: "characters", shape: [null, wordLength], type: "int" },
  { name: "characterLengths", shape: [null], type: "int" },
];

/** A vector for each word of a sentence, from its characters: `wordCharacters`. */
function byCharacters(network: NetworkBuilder, { parts }: WordCharacters, cell: CellConfig, sentence: string): string {
  const folded = (input: string): string => network.add(`${input}.folded`, { kind: "fold-steps" }, input, {});
  const spelled = network.addLengths("characters.spelled", folded("characters"), folded("characterLengths"));
  const vectors = network.addEmbedding("characters.embedding", parts.embedding, spelled);
  const ends = network.addStack("characters.rnn", parts.rnn, { cell, last: true, independent: true }, vectors);
  return network.add("characters.words", { kind: "unfold-steps" }, [ends, sentence], {});
}

const aboutCharacters = ({ wordLength }: SequenceTaggerConfig, characters: readonly string[]): string =>
  `characters are those of each word (code points; of more than ${wordLength} the first and the last half), by the place of each in ${JSON.stringify(characters.join(""))}, from 1 on, 0 for others; characterLengths is how many they are, 0 where there is no word`;
