import { readRunConfig } from "../checkpoint/read-run.ts";
import type { Machine } from "../compute/machine.ts";
import { traceTagger } from "../explain/trace-tagger.ts";
import { loadTagger } from "../run/load-tagger.ts";
import type { TagSettings } from "../schema/tag.ts";
import { UsageError } from "../shared/errors.ts";
import { expectNone, type Inspected, nothingToRead, type Reading, rowOf } from "./inspected.ts";
import { cut, inColumnsOf } from "./predict-tags.ts";
import { settingsIn } from "./run-settings.ts";
import { influence, likely } from "./step-maps.ts";

/** Has a tagger read a sentence. */
export async function inspectTagger(folder: string, machine: Machine, reading: Reading): Promise<Inspected> {
  expectNone(reading, folder, "token");
  const { text, file, row, token } = reading;
  const tagger = await loadTagger(folder, { machine });
  const { tags, characters } = tagger.model.config;
  if (text === undefined && file === undefined) throw nothingToRead();
  const sentence =
    text === undefined
      ? rowOf(
          (await inColumnsOf(file!, { ...settingsIn<TagSettings>(await readRunConfig(folder)), skipBadRows: false }))
            .tokens,
          {
            file: file!,
            row,
            what: "sentences",
          },
        )
      : cut(text, characters === undefined);
  if (token !== undefined && token > sentence.length)
    throw new UsageError(
      "out-of-range",
      `--token: expected a number from 1 to ${sentence.length}, one of the tokens, got ${token}`,
    );
  const trace = await traceTagger(tagger, sentence, { gradients: true, token: token && token - 1 });
  const [found] = await tagger.predict([sentence], { probabilities: true });
  const { intent, probabilities = [] } = found!;
  // What is answered may be written in another scheme than what is learned.
  const [read] = await tagger.read([sentence]);
  const shown = read!.path.map((tag, t) => probabilities[t]![tags[tag]!]!);
  const width = Math.max(...found!.tags.map((tag) => tag.length));
  return {
    trace,
    said: [
      ...(intent === undefined ? [] : [`Intent: ${intent}`]),
      ...found!.tags.map((tag, t) => `${shown[t]!.toFixed(3)}  ${tag.padEnd(width)}  ${sentence[t]}`),
    ],
    maps: [
      likely(tags, probabilities, { title: "probability of each tag", what: ["tag", "tags"] }),
      influence(
        token === undefined ? "all tags together" : `the tag of token ${token}, ${sentence[token - 1]}`,
        tagger.model.parts.rnn.options.cell,
        [trace],
      ),
    ],
    steps: sentence.map((token, t) => ({
      ...{ token, tag: found!.tags[t], probability: shown[t], probabilities: probabilities[t], intent },
    })),
  };
}
