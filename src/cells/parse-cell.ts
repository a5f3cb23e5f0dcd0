import {
  add,
  constant,
  div,
  type Expression,
  equal,
  less,
  lessEqual,
  mean,
  mul,
  neg,
  product,
  select,
  sub,
} from "../math/expression.ts";
import { describe, nearest } from "../shared/errors.ts";
import type { Complete } from "../shared/options.ts";
import { EquationError, type EquationToken } from "./cell-tokens.ts";
import { functionsOfOne, functionsOfTwo, isTaken } from "./cell-words.ts";
import { type Cell, type MaskSpec, variables, type Width } from "./define.ts";
import { EquationReader } from "./equation-reader.ts";

/** Longer texts are no cell. */
const LONGEST = 20_000;
/** Brackets and matrices within each other. */
const DEEPEST = 100;

/**
 * Reads a cell from its equations as plain text, one a line. Nothing of the text is run.
 *
 * ```text
 * state h, c                              # the first is the output; without this line: what [t-1] is used of, last one first
 * i = sigmoid(W_i x + U_i h[t-1])
 * g = tanh(W_g x + U_g h[t-1])
 * o = sigmoid(W_o x + U_o h[t-1])
 * c = (1 - i) * c[t-1] + i * g
 * h = o * tanh(c)
 * ```
 *
 * * `W_i x` is what gate i sees of the input, its bias included; `U_i v` is its recurrent matrix times the vector v, with the bias of that.
 *   A gate without U sees the input only. Gates are packed in the order in which they are first named, or in that of a line `gates i, g, o`.
 * * `h[t-1]` is a state before the step. `+ - * /` act unit by unit (`·` and `⊙` are `*`); further `sigmoid` (or `σ`), `tanh`, `exp`, `log`, `log1p`,
 *   `sqrt`, `abs`, `erf`, `square`, `relu`, `silu`, `softplus`, `softsign`, `min(a, b)`, `max(a, b)`, `mean(a, …)` over all units and
 *   `if(a < b, yes, no)`, also with `<=` and `=`.
 * * `weight p = 0` names one number a unit with its initial value; `bias none` leaves out the biases; `state h: projection, c` and `P_hr v` make a
 *   projected state; `mask drop = dropout 0.2 per sequence`, `mask keep = zoneout 0.1 per step` and `mask(drop)` are dropout and zoneout.
 * * `#` begins a remark.
 *
 * @example
 * ```ts
 * const cell = parseCell("h = tanh(W_h x + U_h h[t-1])");
 * const model = languageModel({ vocabularySize: 65, hiddenSize: 32, cell });
 * ```
 * @returns a cell called "equations", with the text among its options; files carry it, and `loadRun` reads it from them again
 * @throws EquationError ("bad-equations") with line and column
 */
export function parseCell(text: string): Cell {
  return new CellParser(text).cell();
}

class CellParser extends EquationReader {
  private readonly text: string;
  private depth = 0;
  private readonly values = new Map<string, Expression>();
  /** Gates in order, with the vector that U multiplies and the place where the gate was named. */
  private readonly gates = new Map<string, { of?: Expression; at: EquationToken; input: boolean }>();
  private readonly states = new Map<string, Width>();
  private statesAreGiven = false;
  private readonly before = new Map<string, EquationToken>();
  private readonly weights = new Map<string, number>();
  private readonly masks = new Map<string, Complete<MaskSpec>>();
  private readonly projections = new Set<string>();
  private bias: Cell["bias"] = "both";

  constructor(text: string) {
    super();
    this.text = text;
  }

  cell(): Cell {
    if (typeof this.text !== "string")
      throw new EquationError(this.end, `expected equations as a text, got ${describe(this.text)}`);
    if (this.text.length > LONGEST)
      throw new EquationError(this.end, `expected at most ${LONGEST} characters, got ${this.text.length}`);
    for (const [k, line] of this.text.split(/\r\n?|\n/).entries()) if (this.begin(line, k + 1)) this.line();
    return this.finished();
  }

  private line(): void {
    const first = this.next();
    if (this.peek().text !== "=" && Object.hasOwn(this.headers, first.text)) this.headers[first.text]!();
    else {
      this.expectFree(first);
      this.expect("=", `an equation is written NAME = …`);
      this.values.set(first.text, this.sum());
    }
    if (this.peek().kind !== "end") this.fail(this.peek(), "expected + - * / or the end of the line");
  }

  private readonly headers: Readonly<Record<string, () => void>> = {
    state: () => {
      if (this.statesAreGiven) this.fail(this.tokens[0]!, "states are named once; put all of them into one line");
      this.statesAreGiven = true;
      this.list(() => {
        const name = this.next();
        this.expectName(name);
        if (this.states.has(name.text)) this.fail(name, `the state ${name.text} is named twice`);
        this.states.set(name.text, this.take(":") ? this.width() : "hidden");
      });
    },
    gates: () =>
      this.list(() => {
        const at = this.next();
        this.expectName(at);
        if (this.gates.has(at.text)) this.fail(at, `the gate ${at.text} stands before this line already`);
        this.gates.set(at.text, { at, input: false });
      }),
    bias: () => {
      const what = this.next();
      if (what.text !== "none") this.fail(what, `expected "bias none"; biases are there without being named`);
      this.bias = "none";
    },
    weight: () =>
      this.list(() => {
        const name = this.next();
        this.expectFree(name);
        this.weights.set(name.text, this.take("=") ? this.number() : 0);
      }),
    mask: () => {
      const name = this.next();
      this.expectName(name);
      if (this.masks.has(name.text)) this.fail(name, `the mask ${name.text} is named twice`);
      this.expect("=", "a mask is written mask NAME = dropout 0.2 per sequence");
      const kind = this.oneOf(["dropout", "zoneout"]);
      const place = this.peek();
      const rate = this.number();
      if (!(rate >= 0 && rate < 1)) this.fail(place, `expected a probability from 0 to below 1, got ${rate}`);
      this.oneOf(["per"]);
      const per = this.oneOf(["sequence", "step"]);
      this.masks.set(name.text, { per, rate, kind, width: this.take(",") ? this.width() : "hidden" });
    },
  };

  private sum(): Expression {
    return this.chain({ "+": add, "-": sub }, () => this.term());
  }

  private term(): Expression {
    return this.chain({ "*": mul, "/": div }, () => this.factor());
  }

  /** Parts with signs between them, read from the left. */
  private chain(
    signs: Readonly<Record<string, (a: Expression, b: Expression) => Expression>>,
    part: () => Expression,
  ): Expression {
    let left = part();
    for (;;) {
      const { kind, text } = this.peek();
      const join = kind === "sign" ? signs[text] : undefined;
      if (!join) return left;
      this.next();
      left = join(left, part());
    }
  }

  private factor(): Expression {
    // A chain of minus signs is a loop, not a recursion.
    let negative = false;
    while (this.take("-")) negative = !negative;
    const value = this.atom();
    return negative ? neg(value) : value;
  }

  private atom(): Expression {
    const token = this.next();
    if (token.kind === "number") return constant(this.finite(token));
    if (token.text === "(") return this.within(() => this.sum());
    if (token.kind !== "word") this.fail(token, "expected a value: a name, a number, W_… x, U_… h[t-1] or a bracket");
    const { text } = token;
    if (/^[WUP]_/.test(text)) return this.matrix(token);
    if (this.peek().text === "(") return this.call(token);
    if (this.take("[t-1]")) return this.previous(token);
    const value = this.values.get(text) ?? (this.weights.has(text) ? variables.weight(text) : undefined);
    return value ?? this.unknown(token);
  }

  /** What a bracket holds, that was opened before. */
  private within<T>(inside: () => T): T {
    if (++this.depth > DEEPEST) this.fail(this.peek(), `brackets lie within each other more than ${DEEPEST} times`);
    const value = inside();
    this.depth--;
    if (!this.take(")")) this.fail(this.peek(), "expected + - * / or the closing bracket");
    return value;
  }

  private matrix(token: EquationToken): Expression {
    const [kind, name] = [token.text[0], token.text.slice(2)];
    if (!/^[A-Za-z]/.test(name)) this.fail(token, `expected the name of a gate behind ${kind}_, as in ${kind}_i`);
    if (kind === "W") {
      const x = this.next();
      if (x.text !== "x") this.fail(x, `${token.text} multiplies the input: write ${token.text} x`);
      const known = this.gates.get(name);
      this.gates.set(name, { ...known, at: token, input: true });
      return variables.input(name);
    }
    const operand = this.operand();
    if (kind === "P") {
      this.projections.add(name);
      return product(name, operand);
    }
    const known = this.gates.get(name) ?? { at: token, input: false };
    if (known.of && known.of !== operand)
      this.fail(token, `${token.text} multiplies another vector already; a matrix multiplies one`);
    this.gates.set(name, { ...known, of: operand });
    return product(name, operand);
  }

  /** What stands behind a matrix: a name or a bracket. */
  private operand(): Expression {
    const token = this.peek();
    if (token.text !== "(" && token.kind !== "word")
      this.fail(token, "expected the vector that the matrix multiplies: h[t-1], a name or a bracket");
    if (++this.depth > DEEPEST)
      this.fail(token, `matrices and brackets lie within each other more than ${DEEPEST} times`);
    const operand = this.atom();
    this.depth--;
    return operand;
  }

  private call(token: EquationToken): Expression {
    this.next();
    const { text } = token;
    const one = Object.hasOwn(functionsOfOne, text) ? functionsOfOne[text] : undefined;
    if (one) return this.within(() => one(this.sum()));
    const two = Object.hasOwn(functionsOfTwo, text) ? functionsOfTwo[text] : undefined;
    if (two)
      return this.within(() => {
        const first = this.sum();
        this.expect(",", `${text} takes two values`);
        return two(first, this.sum());
      });
    if (text === "mean")
      return this.within(() => {
        const parts = [this.sum()];
        while (this.take(",")) parts.push(this.sum());
        return mean(...parts);
      });
    if (text === "if") return this.within(() => this.choice());
    if (text === "mask")
      return this.within(() => {
        const name = this.next();
        if (!this.masks.has(name.text))
          this.fail(name, `there is no mask ${name.text}; name it before, in a line "mask …"`);
        return variables.mask(name.text);
      });
    if (this.values.has(text) || this.weights.has(text))
      return this.fail(token, `${text} is a value and no function; a product is written with *`);
    const known = [...Object.keys(functionsOfOne), ...Object.keys(functionsOfTwo), "mean", "if"];
    const near = nearest(text, known);
    return this.fail(
      token,
      `there is no function ${text}; ${near ? `did you mean ${near}?` : `there are ${known.join(", ")}`}`,
    );
  }

  private choice(): Expression {
    const left = this.sum();
    const sign = this.next();
    const compare = sign.kind === "sign" ? { "<": less, "<=": lessEqual, "=": equal }[sign.text] : undefined;
    if (!compare) return this.fail(sign, "if(…) begins with a comparison: <, <= or =");
    const condition = compare(left, this.sum());
    this.expect(",", "if(…) is written if(a < b, yes, no)");
    const yes = this.sum();
    this.expect(",", "if(…) is written if(a < b, yes, no)");
    return select(condition, yes, this.sum());
  }

  private previous(token: EquationToken): Expression {
    const { text } = token;
    this.expectName(token);
    if (!this.before.has(text)) this.before.set(text, token);
    return variables.previous(text);
  }

  private unknown(token: EquationToken): never {
    const { text } = token;
    if (text === "x") this.fail(token, "the input comes through a matrix: write W_… x");
    if (Object.hasOwn(functionsOfOne, text)) this.fail(token, `${text} is a function: write ${text}(…)`);
    const near = nearest(text, [...this.values.keys(), ...this.weights.keys()]);
    return this.fail(
      token,
      text === this.tokens[0]!.text || this.states.has(text) || this.before.has(text)
        ? `${text} has no value yet at this line; the one of the step before is ${text}[t-1]`
        : `${text} is not known; a value is explained in a line above the one that uses it${near ? `; did you mean ${near}?` : ""}`,
    );
  }

  private finished(): Cell {
    if (this.values.size === 0) this.fail(this.end, "expected at least one equation, as h = tanh(W_h x + U_h h[t-1])");
    const names = this.statesAreGiven
      ? [...this.states.keys()]
      : [...this.values.keys()].filter((name) => this.before.has(name)).reverse();
    for (const [name, place] of this.before)
      if (this.statesAreGiven && !this.states.has(name))
        this.fail(place, `${name} is no state; the line "state" names ${names.join(", ")}`);
      else if (!this.values.has(name)) this.fail(place, `${name}[t-1] is used, but no line says what ${name} becomes`);
    if (names.length === 0)
      this.fail(this.end, "nothing is carried on: no value of the step before is used; write h[t-1], or name a state");
    for (const name of names)
      if (!this.values.has(name)) this.fail(this.end, `the state ${name} has no equation; write ${name} = …`);
    for (const [name, { at, input }] of this.gates)
      if (!input) this.fail(at, `the gate ${name} has no W_${name} x: every gate sees the input`);
    if (this.gates.size === 0) this.fail(this.end, "the input is not used; write W_… x");
    for (const name of this.projections)
      if (this.gates.has(name)) this.fail(this.gates.get(name)!.at, `${name} is the name of a projection already`);
    const named = Object.fromEntries(this.values);
    for (const name of names) delete named[name];
    for (const name of names.toReversed()) named[name] = this.values.get(name)!;
    return {
      ...{ name: "equations", options: { text: this.text }, bias: this.bias, named },
      gates: [...this.gates].map(([name, { of }]) => ({ name, recurrent: of !== undefined })),
      states: names.map((name) => ({ name, width: this.states.get(name) ?? "hidden" })),
      weights: Object.fromEntries(this.weights),
      masks: Object.fromEntries(this.masks),
      projections: [...this.projections],
      next: Object.fromEntries(names.map((name) => [name, this.values.get(name)!])),
    };
  }

  private width(): Width {
    return this.oneOf(["hidden", "projection"]);
  }

  private expectName(token: EquationToken): void {
    const { kind, text } = token;
    if (kind !== "word") this.fail(token, "expected a name");
    if (isTaken(text)) this.fail(token, `${text} means something already; choose another name`);
    if (/^[WUP]_/.test(text))
      this.fail(token, `${text} is a matrix; values have names that do not begin with W_, U_ or P_`);
    if (text.length > 24) this.fail(token, "expected a name of at most 24 characters");
  }

  private expectFree(token: EquationToken): void {
    this.expectName(token);
    if (this.values.has(token.text) || this.weights.has(token.text))
      this.fail(token, `${token.text} has an equation already; every name is explained once`);
  }
}
