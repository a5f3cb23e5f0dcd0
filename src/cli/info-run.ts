import { cellText } from "../cells/cell-text.ts";
import { cellsInWords } from "../cells/cells-in-words.ts";
import { runPaths } from "../checkpoint/run-folder.ts";
import type { Calibration } from "../models/calibration.ts";
import { formatBytes } from "../shared/shapes.ts";
import { median } from "./bench/statistics.ts";
import { calibrationInWords } from "./calibration-words.ts";
import { counted, duration, integer, labelled, oneLine, perplexity, quoted, short } from "./format.ts";
import { unitsOf } from "./introduction.ts";
import type { Io } from "./io.ts";
import { type RunStory, readStory } from "./run-story.ts";
import { sparkline } from "./sparkline.ts";
import { ITEMS } from "./told-training.ts";

/** The story of a run, as text and as one JSON object. */
export function runInfo(path: string, io: Io): { readonly text: string; readonly json: object } {
  const story = readStory(path);
  return { text: textOf(story, io), json: story };
}

function textOf(story: RunStory, io: Io): string {
  const { folder, curves } = story;
  const config = quoted(runPaths(folder).config);
  const room = Math.max(10, Math.min(60, io.stdout.columns - 40));
  const validation = curves["validation loss"];
  return `${labelled([
    ["Run", folder],
    ["Model", modelOf(story)],
    ["Cell", equationsOf(story)],
    ["Data", dataOf(story)],
    ["Calibrated", calibrationOf(story)],
    ["Training", trainingOf(story)],
    ["Result", resultOf(story)],
    ["Time", timeOf(story)],
    ["Loss", curveOf(curves["training loss"], room, "of training")],
    ["", curveOf(validation, room, "of validation")],
    ["Files", filesOf(story)],
    ["Repeat", story.task === undefined ? "" : `${io.program} train ${story.task} --config ${config}`],
  ])}\n`;
}

const text = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : String(value));

function modelOf({ model, start }: RunStory): string {
  const {
    kind,
    cell,
    hiddenSize,
    numLayers = 1,
    embeddingSize,
    vocabularySize,
    dropout,
    tied,
  } = model as Record<string, number | undefined> & { kind?: unknown; cell?: { name?: string } };
  const bidirectional = model.bidirectional === true;
  return [
    cell?.name ?? `of a kind of its own${typeof kind === "string" ? ` ("${kind}")` : ""}`,
    ...(hiddenSize === undefined ? [] : [unitsOf({ hiddenSize, numLayers, bidirectional })]),
    ...(embeddingSize === undefined
      ? []
      : [`embedding ${embeddingSize}${tied ? " (tied)" : ""} for ${integer(vocabularySize!)} tokens`]),
    ...(dropout ? [`dropout ${dropout}`] : []),
    ...(start.parameters === undefined ? [] : [`${integer(start.parameters)} parameters`]),
  ].join(", ");
}

const calibrationOf = ({ model: { calibration } }: RunStory): string =>
  calibration ? calibrationInWords(calibration as Calibration) : "";

/** The equations of a cell of one's own, where the config has them. */
function equationsOf({ model }: RunStory): string {
  const [cell] = Object.values(cellsInWords(model));
  return cell ? oneLine(cellText(cell)) : "";
}

/** What is counted of the data, by the names of the start event of each task. */
const COUNTED = { Sentences: "sentences", Examples: "examples", Windows: "windows", Tokens: "tokens" } as const;

function dataOf({ settings, start }: RunStory): string {
  const { files, file, tokenizer } = settings as { files?: readonly string[]; file?: string; tokenizer?: string };
  const counts = Object.entries(COUNTED).flatMap(([key, name]) => {
    const [train, validation] = [start[`train${key}`], start[`validation${key}`]];
    return train === undefined
      ? []
      : [
          `${integer(train)} ${name} for training${validation === undefined ? "" : `, ${integer(validation)} for validation`}`,
        ];
  });
  return [
    files?.join(", ") ?? file ?? "unknown",
    ...counts,
    ...(tokenizer === undefined ? [] : [text(tokenizer)]),
  ].join("; ");
}

function trainingOf({ settings, start }: RunStory): string {
  // Earlier versions wrote `steps` and `warmup`.
  const { sequenceLength = start.steps } = start;
  const { warmupSteps = settings.warmup } = settings;
  const { epochs = start.epochs } = settings as { readonly epochs?: number };
  const { optimizer, learningRate, schedule, clipNorm, average, seed, machine } = settings;
  const { pretrained, pretrainedRate: factor } = settings;
  return [
    ...(epochs === undefined ? [] : [counted(epochs, "epoch")]),
    ...(start.totalSteps === undefined
      ? []
      : [
          `${integer(start.totalSteps)} steps of ${start.batchSize}${sequenceLength === undefined ? "" : ` × ${sequenceLength}`}`,
        ]),
    ...Object.entries({
      ...{ optimizer, "learning rate": learningRate, schedule, warmup: warmupSteps || undefined, clip: clipNorm },
      ...{ average, seed, "begun with": pretrained, "for it the rate times": factor === 1 ? undefined : factor },
    }).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${text(value)}`])),
    ...(machine === undefined ? [] : [`on ${text(machine)}`]),
  ].join(", ");
}

/** Each file, and each folder as one: a long training has hundreds of samples. */
function filesOf({ files }: RunStory): string {
  const first = (name: string): string => name.split(/(?<=[/\\])/)[0]!;
  return [...new Set(files.map(({ name }) => first(name)))]
    .map((name) => {
      const within = files.filter((file) => first(file.name) === name);
      const size = formatBytes(within.reduce((sum, { bytes }) => sum + bytes, 0));
      return /[/\\]$/.test(name) ? `${name} (${counted(within.length, "file")}, ${size})` : `${name} (${size})`;
    })
    .join(", ");
}

const ENDED: Readonly<Record<string, string>> = { done: "ended as planned", aborted: "stopped by hand" };

function resultOf({ task, best, ended, step, start }: RunStory): string {
  const how = ended === undefined ? "still running, or killed" : (ENDED[ended] ?? ended.replaceAll("-", " "));
  const where =
    start.totalSteps === undefined ? `step ${integer(step)}` : `step ${integer(step)} of ${integer(start.totalSteps)}`;
  if (best === undefined) return `nothing measured yet; ${how} at ${where}`;
  const { metric, value, loss, of, epoch } = best;
  const more = [
    // Only a loss in nats per token has one.
    ...(task === "text" ? [`perplexity ${perplexity(value)}`] : []),
    ...(metric === "loss" || loss === undefined ? [] : [`loss ${loss.toFixed(4)}`]),
  ];
  const found = `${of} ${metric} ${value.toFixed(4)}${more.length > 0 ? ` (${more.join(", ")})` : ""}`;
  return `${of === "validation" ? "best" : "last"} ${found} in epoch ${epoch}; ${how} at ${where}`;
}

function timeOf({ seconds, curves, task }: RunStory): string {
  const speed = median(curves.speed.map(([, value]) => value));
  const items = ITEMS[task as keyof typeof ITEMS] ?? "items";
  return [
    ...(seconds === undefined ? [] : [`${duration(seconds)} of training`]),
    ...(Number.isNaN(speed) ? [] : [`median ${short(speed)} ${items}/s`]),
  ].join(", ");
}

function curveOf(points: RunStory["curves"]["speed"], room: number, of: string): string {
  if (points.length < 2) return "";
  const values = points.map(([, value]) => value);
  return `${sparkline(values, room)} ${values[0]!.toFixed(3)} → ${values.at(-1)!.toFixed(3)} ${of}`;
}
