import { type TagSettings, tagFields } from "../schema/tag.ts";
import type { Metrics } from "../train/evaluator.ts";
import type { StartEvent } from "../train/events.ts";
import { type TaggerFacts, type TaggerTraining, trainTagger } from "../train/train-tagger.ts";
import { taskLine } from "./epoch-line.ts";
import { counted, integer, percent } from "./format.ts";
import { modelLine, trainingLine, unitsOf } from "./introduction.ts";
import { type OwnCell, ownCell } from "./own-cell.ts";
import { type Beginning, beginningWith, noteOf, pretrainedLine, structureOf } from "./pretrained.ts";
import { recordedTraining, type TrainingOptions } from "./recorded-training.ts";
import { readTagged } from "./tag-data.ts";
import { recordTold } from "./told-training.ts";
import { trainerOptions } from "./trainer-settings.ts";
import type { TrainingResult } from "./training-result.ts";

/** Trains a tagger on a file and records it as a run, as `trainToFolder` does for text. */
export async function trainTaggerToFolder(settings: TagSettings, options: TrainingOptions): Promise<TrainingResult> {
  return recordedTraining(settings, options, async (tools) => {
    const { machine, signal, own } = tools;
    const { validation } = settings;
    const tell = (text: string): void => tools.display.log(text);
    const sentences = await readTagged(settings.file, settings, tell);
    const kept = typeof validation === "string" ? await readTagged(validation, settings, tell) : validation;
    const cell = await ownCell(settings, options);
    const training = await beginningWith(settings, tagFields, options, tools, (beginning) =>
      trainTagger({
        ...trainOptions(settings, { ...beginning, own: cell }),
        machine,
        signal,
        sentences,
        validation: kept,
      }),
    );
    const { trainer, tagger, pretrained } = training;
    own(trainer);
    return recordTold<TaggerFacts>(trainer, tools, options, {
      task: "tag",
      config: {
        model: tagger.model.config,
        training: { ...settings, ...(pretrained && structureOf(tagger.model.config, STRUCTURE)) },
        ...noteOf(settings, pretrained),
      },
      tokenizer: tagger.tokenizer,
      introduction: (start) => introduction(start, training, settings),
      measured: (event, epochs) => taskLine(event, epochs, event.metrics && measured(event.metrics)),
    });
  });
}

/** What a pretrained run decides of a model. */
const STRUCTURE = ["cell", "hiddenSize", "numLayers", "bidirectional", "embeddingSize"] as const;

function trainOptions(settings: TagSettings, { options, embeds, given, own }: Beginning & { readonly own: OwnCell }) {
  const { initialize, dropout, head } = settings;
  const { vocabularySize, minCount, normalize, characters, scheme, encoding, batchSize, monitor } = settings;
  return {
    ...trainerOptions(settings),
    ...{ scheme, encoding, batchSize, monitor },
    // On is where it tells something: where words have characters.
    characters: characters ? undefined : false,
    ...options,
    words: embeds ? undefined : { minCount, vocabularySize, normalize },
    model: { initialize, dropout, head, ...given(settings, STRUCTURE), ...own },
  };
}

function introduction(
  start: StartEvent<TaggerFacts>,
  { tagger, pretrained }: TaggerTraining,
  settings: TagSettings,
): string[] {
  const { machine } = settings;
  const { config } = tagger.model;
  const { tags, scheme, writtenScheme, intents, characters, head, vocabularySize, cell } = config;
  const what = [
    counted(tags.length, "tag"),
    ...(scheme ? [`spans written as ${writtenScheme}, learned as ${scheme}`] : []),
    ...(intents ? [counted(intents.length, "intent")] : []),
    `${counted(vocabularySize, "word")}${characters ? ` and ${counted(characters.length, "character")}` : ""}`,
  ];
  return [
    `Data: ${counted(start.trainSentences, "sentence")} (${counted(start.trainTokens, "token")}) for training, ${integer(start.validationSentences)} for validation; ${what.join("; ")}`,
    ...pretrainedLine(settings, pretrained),
    modelLine(`${cell.name}, ${unitsOf(config)}, head ${head}`, start),
    trainingLine(counted(start.batchSize, "sentence"), start, machine),
  ];
}

const measured = ({ accuracy, f1, intentAccuracy }: Metrics): readonly string[] => [
  ...(f1 === undefined ? [] : [`F1 ${percent(f1)}`]),
  `accuracy ${percent(accuracy!)}`,
  ...(intentAccuracy === undefined ? [] : [`intents ${percent(intentAccuracy)}`]),
];
