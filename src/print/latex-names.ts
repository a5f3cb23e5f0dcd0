import { type Cell, partsOfVariable, variables } from "../cells/define.ts";
import type { AnyNode } from "../math/expression.ts";
import type { LatexNames, Print } from "./latex.ts";
import { symbol, typeset } from "./latex-letters.ts";
import { type Piece, piece, plus, tightness, within } from "./latex-piece.ts";

/**
 * How gates, matrices and biases are written.
 *
 * `pytorch`: each gate with its two matrices and two biases, `i_t = σ(W_i x_t + bˣ_i + U_i h_{t−1} + bʰ_i)`.
 *
 * `note`: as in many lectures, one matrix a gate on input and state stacked, `zⁱ = σ(Wⁱ [x_t ; h_{t−1}] + bⁱ)`, the
 * candidate being z. Wⁱ is W_i and U_i side by side, bⁱ the sum of both biases.
 */
export type Notation = "pytorch" | "note";

/** Names of everything in a cell's equations. */
export interface CellNames extends LatexNames {
  /** A value of this step: a gate, a state, or what `step` named. */
  value(name: string): Piece;
  /** What an activation sees, where it has to be named; `mark` is the letter: a, or δ for its gradient. */
  sum(gate: string, mark: string, part?: "x" | "h"): Piece;
  known(node: AnyNode, print: Print): Piece | undefined;
}

/** What is written differently from one notation to the other. */
interface Writing {
  value(name: string): Piece;
  /** `W x_t`, `U v` and `U^⊤ v` of a gate, and its biases. */
  input(gate: string): Piece;
  recurrent(gate: string, vector: Piece): Piece;
  transposed(gate: string, vector: Piece): Piece;
  bias(part: "x" | "h", gate: string): Piece;
  known(node: AnyNode, print: Print): Piece | undefined;
}

/** Words that are names of weights and masks in many cells, and their letters. */
const letterOf: Readonly<Record<string, string>> = { gain: "\\gamma", bias: "\\beta", drop: "d", keep: "k" };

/** A letter with its scripts: what has something above it gets brackets before a power. */
const letter = (text: string): Piece => piece(text, text.includes("^") ? tightness.power : tightness.atom);
export const timed = (name: string, time = "t"): Piece => letter(typeset(symbol(name), time));
const applied = (matrix: string, vector: Piece): Piece =>
  piece(`${matrix} ${within(vector, tightness.fraction)}`, tightness.matrix);
const script = (mark: "_" | "^", text: string): string =>
  text === "" ? "" : text.length === 1 ? `${mark}${text}` : `${mark}{${text}}`;

export function namesOf(cell: Cell, notation: Notation): CellNames {
  const writing = notation === "note" ? noteWriting(cell) : pytorchWriting(cell);
  const gates = new Set(cell.gates.map((g) => g.name));
  const biased = (part: "x" | "h", gate: string, p: Piece): Piece =>
    cell.bias === "none" ? p : plus(p, writing.bias(part, gate));
  const kinds: Readonly<Record<string, (name: string) => Piece>> = {
    x: (gate) => biased("x", gate, writing.input(gate)),
    previous: (state) => timed(state, "t-1"),
    weight: (name) => weight(cell, name),
    mask: (name) => mask(cell, name),
  };
  return {
    value: writing.value,
    known: writing.known,
    sum(gate, mark, part) {
      const above = [...(cell.gates.length > 1 ? [subscript(gate)] : []), ...(part ? [part] : [])].join(",");
      return letter(`${mark}${above === "" ? "" : `^{${above}}`}_t`);
    },
    variable(name) {
      const parts = partsOfVariable(name);
      const kind = Object.hasOwn(kinds, parts.kind) ? kinds[parts.kind] : undefined;
      return kind ? kind(parts.name) : letter(typeset(symbol(name)));
    },
    product: (name, vector) =>
      gates.has(name)
        ? biased("h", name, writing.recurrent(name, vector))
        : applied(`W${script("_", subscript(name))}`, vector),
    transposed: (name, vector) =>
      gates.has(name) ? writing.transposed(name, vector) : applied(`W${script("_", subscript(name))}^{\\top}`, vector),
  };
}

/** A name below W, U or b: single letters stand side by side as in `weight_hr`. */
const subscript = (name: string): string => (/^[a-z]{2}$/.test(name) ? name : typeset(symbol(name)));

/** One number a unit: a peephole `pi` is p with the gate below. */
function weight(cell: Cell, name: string): Piece {
  const target = name.slice(1);
  const isPeephole = name.length > 1 && (cell.named[target] !== undefined || cell.gates.some((g) => g.name === target));
  const s = isPeephole ? { ...symbol(name[0]!), below: subscript(target) } : symbol(name);
  const base = letterOf[name.split("_")[0]!] ?? s.base;
  return letter(typeset({ ...s, base }));
}

function mask(cell: Cell, name: string): Piece {
  const s = symbol(name);
  const base = letterOf[name.split("_")[0]!] ?? s.base;
  const above = [s.above, s.below].filter((part) => part !== "").join(",");
  return letter(typeset({ base, above, below: "" }, cell.masks[name]?.per === "step" ? "t" : ""));
}

function pytorchWriting(cell: Cell): Writing {
  const below = (gate: string): string => (cell.gates.length === 1 ? "" : script("_", subscript(gate)));
  const twoBiases = cell.gates.some((g) => g.recurrent);
  return {
    value: timed,
    input: (gate) => applied(`W${below(gate)}`, piece("x_t")),
    recurrent: (gate, vector) => applied(`U${below(gate)}`, vector),
    transposed: (gate, vector) => applied(`U${below(gate)}^{\\top}`, vector),
    bias: (part, gate) => letter(`b${twoBiases ? `^{${part}}` : ""}${below(gate)}`),
    known: () => undefined,
  };
}

function noteWriting(cell: Cell): Writing {
  const gates = new Set(cell.gates.map((g) => g.name));
  const candidates = new Set(["g", "n"]);
  /** What stands above z, W and b: nothing for the candidate. */
  const above = (gate: string): string => (candidates.has(gate) || gates.size === 1 ? "" : `^{${subscript(gate)}}`);
  const recurrent = new Set(cell.gates.filter((g) => g.recurrent).map((g) => g.name));
  const below = (gate: string, which: "x" | "h"): string => (recurrent.has(gate) ? `_${which}` : "");
  const part = (gate: string, which: "x" | "h"): string => `W${above(gate)}${below(gate, which)}`;
  const isGate = (name: string): boolean =>
    (gates.has(name) || name in cell.named) && !cell.states.some((s) => s.name === name);
  return {
    value: (name) => (isGate(name) ? letter(`z${above(name)}`) : timed(name)),
    input: (gate) => applied(part(gate, "x"), piece("x_t")),
    recurrent: (gate, vector) => applied(part(gate, "h"), vector),
    transposed: (gate, vector) => applied(`(${part(gate, "h")})^{\\top}`, vector),
    bias: (which, gate) => letter(`b${above(gate)}${below(gate, which)}`),
    known(node, print) {
      const [x, product] = node.args;
      if (node.op !== "add" || product?.op !== "product" || x !== variables.input(product.name)) return undefined;
      const gate = product.name;
      const stacked = piece(`[x_t ; ${print(product.args[0]!).text}]`);
      const sum = applied(`W${above(gate)}`, stacked);
      return cell.bias === "none" ? sum : plus(sum, letter(`b${above(gate)}`));
    },
  };
}
