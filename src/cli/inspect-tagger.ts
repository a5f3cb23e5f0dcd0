import { readRunConfig } from "../checkpoint/read-run.ts";
import type { Machine } from "../compute/machine.ts";
import { traceTagger } from "../explain/trace-tagger.ts";
import { loadTagger } from "../run/load-tagger.ts";
import type { TagSettings } from "../schema/tag.ts";
import { type Inspected, nothingToRead, type Reading, rowOf } from "./inspected.ts";
import { cut, inColumnsOf } from "./predict-tags.ts";
import { settingsIn } from "./run-settings.ts";
import { likely } from "./step-maps.ts";

/** Has a tagger read a sentence. */
export async function inspectTagger(
  folder: string,
  machine: Machine,
  { text, file, row }: Reading,
): Promise<Inspected> {
  const tagger = await loadTagger(folder, { machine });
  const { tags, characters } = tagger.model.config;
  if (text === undefined && file === undefined) throw nothingToRead();
  const sentence =
    text === undefined
      ? rowOf((await inColumnsOf(file!, settingsIn<TagSettings>(await readRunConfig(folder)))).tokens, {
          file: file!,
          row,
          what: "sentences",
        })
      : cut(text, characters === undefined);
  const trace = await traceTagger(tagger, sentence);
  const [found] = await tagger.predict([sentence], { probabilities: true });
  const { intent, probabilities = [] } = found!;
  // What is answered may be written in another scheme than what is learned.
  const [reading] = await tagger.read([sentence]);
  const shown = reading!.path.map((tag, t) => probabilities[t]![tags[tag]!]!);
  const width = Math.max(...found!.tags.map((tag) => tag.length));
  return {
    trace,
    said: [
      ...(intent === undefined ? [] : [`Intent: ${intent}`]),
      ...found!.tags.map((tag, t) => `${shown[t]!.toFixed(3)}  ${tag.padEnd(width)}  ${sentence[t]}`),
    ],
    maps: [likely(tags, probabilities, { title: "probability of each tag", what: "tags" })],
    steps: sentence.map((token, t) => ({
      ...{ token, tag: found!.tags[t], probability: shown[t], probabilities: probabilities[t] },
    })),
  };
}
