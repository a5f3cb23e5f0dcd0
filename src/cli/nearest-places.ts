import { displayWidth } from "../explain/display-width.ts";
import { shownLabel } from "../explain/heat-map.ts";
import { type NearestPassage, nearestPassages } from "../explain/nearest-passages.ts";
import type { TextTrace } from "../explain/trace-text.ts";
import type { LoadedRun } from "../run/load-run.ts";
import { UsageError } from "../shared/errors.ts";
import { counted } from "./format.ts";
import { wholeText } from "./run-text.ts";

/** Of places nearer than this in the corpus only the one that is most alike is listed. */
const APART = 8;

export interface NearestPlaces {
  /** What was searched and for what, in one line. */
  readonly title: string;
  readonly places: readonly NearestPassage[];
}

/** Where in a file the state of a layer was most like it is at the end of the text. */
export async function findNearest(
  run: Pick<LoadedRun, "model" | "parameters" | "tokenizer">,
  trace: TextTrace,
  { corpus: file, layer, places }: { readonly corpus: string; readonly layer: number; readonly places: number },
): Promise<NearestPlaces> {
  using corpus = await wholeText([file], run.tokenizer, {});
  if (corpus.train.length === 0)
    throw new UsageError("no-tokens", `--nearest ${file}: expected a text to search, got no token`);
  const name = run.model.cell.states[0]!.name;
  const { data, shape } = trace.values[`${name}_l${layer}`]!;
  const to = data.slice((shape[0] - 1) * shape[2]);
  const found = await nearestPassages(run, {
    ...{ tokenizer: run.tokenizer, corpus: corpus.train, name, layer, to, count: places, apart: APART },
  });
  const last = shownLabel(trace.tokens.at(-1)!);
  return {
    title: `Where in ${file} is ${name} of layer ${layer} most like after the last “${last}”? ${counted(corpus.train.length, "state")} compared, by the cosine`,
    places: found,
  };
}

/** The places as lines of a terminal: the cosine and the text around, the token that was read last marked. */
export function nearestLines(
  { title, places }: NearestPlaces,
  { width, color }: { readonly width: number; readonly color: boolean },
): string {
  const [open, close] = color ? ["\u001b[7m", "\u001b[0m"] : ["[", "]"];
  const room = Math.max(16, width) - 12;
  const lines = places.map(({ similarity, before, here, after }) => {
    const mark = shownLabel(here);
    const side = Math.max(4, Math.floor((room - displayWidth(mark)) / 2));
    const left = fitted(characters(before).reverse(), side).reverse().join("");
    const right = fitted(characters(after), side).join("");
    const cosine = similarity.toFixed(3).replace("-", "−").padStart(6);
    return `${cosine}  ${" ".repeat(side - displayWidth(left))}${left}${open}${mark}${close}${right}`.trimEnd();
  });
  return [title, ...lines].map((line) => `${line}\n`).join("");
}

/** What stands there, character by character, as it may stand in a terminal; blanks stay blanks. */
const characters = (text: string): string[] =>
  Array.from(new Intl.Segmenter().segment(text), ({ segment }) => (segment === " " ? " " : shownLabel(segment)));

/** As many of the first as have room in so many columns. */
function fitted(parts: readonly string[], columns: number): string[] {
  const kept: string[] = [];
  let used = 0;
  for (const part of parts) {
    used += displayWidth(part);
    if (used > columns) break;
    kept.push(part);
  }
  return kept;
}
