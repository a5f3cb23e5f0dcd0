import { isTaken } from "../../../cells/cell-words.ts";

/**
 * The last part of the name of a value, where it can be a word in equations: `i` of `rnn/scan/value/i` and of `rnn/scan/x.i`, `p` of
 * `rnn.weight_p_l0_reverse`.
 */
export function labelOf(name = ""): string | undefined {
  const last = name.split(/[/.:]/).at(-1)!;
  const label = last.replace(/^weight_/, "").replace(/(_l\d+)?(_reverse)?$/, "");
  return /^[A-Za-z]\w{0,23}$/.test(label) && !/^[WUP]_/.test(label) && !isTaken(label) ? label : undefined;
}
