import {
  type Cell,
  cellText,
  createParameters,
  EquationError,
  gru,
  languageModel,
  layoutParameters,
  lstm,
  minGru,
  parseCell,
} from "longshort";
import type { OpenedText } from "longshort/worker";
import { say } from "../language.ts";
import { tinyModel } from "../models.ts";
import { update } from "../update.ts";
import { Bench } from "./bench.ts";

/** Cells to start from, in words. */
export const PRESETS: readonly (readonly [title: string, text: string])[] = [
  ["GRU", cellText(gru())],
  ["LSTM, f = 1 − i", cellText(lstm({ coupled: true }))],
  ["minGRU", cellText(minGru())],
];

/** The cell that the visitor writes, and the bench on which it stands. */
export const ownCell: {
  text: string;
  /** The last text that was a cell. */
  good: string;
  error:
    | { readonly message: string; readonly line: number; readonly column: number; readonly length: number }
    | undefined;
  bench: Bench;
} = { text: PRESETS[0]![1], good: PRESETS[0]![1], error: undefined, bench: benchOf(PRESETS[0]![1]) };

/** Another text: what it says is drawn if it is a cell, else it is told what is wrong. */
export function write(text: string): void {
  if (text === ownCell.text) return;
  ownCell.text = text;
  try {
    shownHere(parseCell(text));
    ownCell.error = undefined;
    if (text !== ownCell.good) {
      ownCell.good = text;
      ownCell.bench = benchOf(text, ownCell.bench);
    }
  } catch (error) {
    if (!(error instanceof EquationError)) throw error;
    const { message, line, column, length } = error;
    ownCell.error = { message, line, column, length };
  }
  update();
}

/** @throws EquationError for cells that the library takes and a diagram of one step cannot show */
function shownHere(cell: Cell): void {
  const place = { line: 1, column: 1, text: "" };
  if (cell.projections.length > 0)
    throw new EquationError(place, say("this page draws cells without projections P_…", "本页只画不含投影 P_… 的单元"));
}

/** Four units of the cell with weights drawn from seed 1, over the letters of the recall task. */
function benchOf(text: string, before?: Bench): Bench {
  const bench = new Bench(async (): Promise<OpenedText> => {
    const { tokenizer, model: known, parameters: others } = await tinyModel("recall-lstm");
    const { vocabularySize, embeddingSize } = known.config;
    const model = languageModel({ vocabularySize, embeddingSize, hiddenSize: 4, cell: parseCell(text) });
    const { machine } = others;
    others.close();
    const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
    return { model, tokenizer, parameters };
  });
  bench.letters = "pytorch";
  if (before) {
    bench.line = before.line;
    bench.step = before.step;
    before.close();
  }
  return bench;
}

const ROUTE = "#/cell/own";

/** The address that opens the page with this cell. */
export const addressOf = (text: string): string => `${ROUTE}/${encodeURIComponent(text.trimEnd())}`;

let taken: string | undefined;

/** What the address says, once for each address: the text behind `#/cell/own/`. */
export function takeFromAddress(part: string | undefined): void {
  if (part === undefined || part === taken) return;
  taken = part;
  try {
    write(decodeURIComponent(part));
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
  }
}

/** No cell has a longer text: the library refuses it. */
export const MOST_CHARACTERS = 20_000;

/** Puts the cell into the address, without a step in the history for each letter. */
export function putIntoAddress(): void {
  if (ownCell.text.length > MOST_CHARACTERS) return;
  const address = addressOf(ownCell.text);
  taken = address.slice(ROUTE.length + 1);
  history.replaceState(history.state, "", address);
}
