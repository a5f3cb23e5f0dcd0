import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cellText } from "../../src/cells/cell-text.ts";
import { cellsInWords } from "../../src/cells/cells-in-words.ts";
import { type Cell, defineCell, gateOf, type Operands, split } from "../../src/cells/define.ts";
import { gru } from "../../src/cells/gru.ts";
import { layerNormLstm } from "../../src/cells/layer-norm-lstm.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { minGru } from "../../src/cells/min-gru.ts";
import { minLstm } from "../../src/cells/min-lstm.ts";
import { parseCell } from "../../src/cells/parse-cell.ts";
import { sameEquations } from "../../src/cells/registry.ts";
import { rnn } from "../../src/cells/rnn.ts";
import { add, max, mul, neg, sigmoid, sub, tanh } from "../../src/math/expression.ts";
import { elu, hardSigmoid, mish } from "../../src/math/functions.ts";
import { languageModel, languageModelFromConfig } from "../../src/models/language-model.ts";
import { stepProgram } from "../../src/scan/lower.ts";
import { LongshortError } from "../../src/shared/errors.ts";

const odd = defineCell({
  name: "odd",
  // The packed order is not the order of use.
  gates: { late: sigmoid, early: gateOf(tanh, ({ previous }) => neg(sub(previous.h!, previous.s!))) },
  state: ["h", "s"],
  weights: { gain: -0.25 },
  masks: { keep: { per: "step", rate: 0.125, kind: "zoneout", width: "hidden" } },
  step({ late, early }, previous, { weights, masks }) {
    const first = sub(sub(early, sub(1e-7, weights.gain)), mul(masks.keep, add(late, -3)));
    return { first, s: max(first, neg(late)), h: previous.s };
  },
});

/** A multiplicative LSTM (Krause et al. 2016, arXiv:1609.07959): gates see m, a product of what the input and the state say. */
const multiplied = ({ parts }: Operands) => mul(parts.m!.x, parts.m!.h);
const multiplicative = defineCell({
  name: "multiplicative",
  gates: { m: split(), i: gateOf(sigmoid, multiplied), f: gateOf(sigmoid, multiplied), g: gateOf(tanh, multiplied) },
  state: ["h", "c"],
  step({ m, i, f, g }, previous) {
    const c = add(mul(f, previous.c), mul(i, g));
    return { m: mul(m.x, m.h), c, h: tanh(c) };
  },
});

const cells: Readonly<Record<string, () => Cell>> = {
  ...{ rnn, lstm, gru, minGru, minLstm, layerNormLstm, odd: () => odd, multiplicative: () => multiplicative },
  "rnn of mish": () => rnn({ activation: mish }),
  "lstm with everything": () =>
    lstm({ ...{ peephole: true, projection: true, clip: 3, recurrentDropout: 0.2, zoneout: 0.1 } }),
  "coupled lstm": () => lstm({ coupled: true, bias: false, gate: hardSigmoid(0.2), candidate: elu(1.5) }),
  "gru with reset before": () => gru({ resetAfter: false, recurrentDropout: 0.5, zoneout: 0.25 }),
};

describe("cells as text", () => {
  test.each(Object.keys(cells))("the text of %s reads as the same equations", (name) => {
    const cell = cells[name]!();
    const read = parseCell(cellText(cell));
    expect(sameEquations(read, cell)).toBe(true);
    expect({ ...read.named }).toEqual({ ...cell.named });
    for (const [key, value] of Object.entries(cell.named)) expect(read.named[key], key).toBe(value);
    expect(cellText(read)).toBe(cellText(cell));
  });

  test("a person may write it shorter", () => {
    const written = `
      i = σ(W_i x + U_i h[t−1])   # how much is new
      g = tanh(W_g x + U_g h[t - 1])
      o = sigmoid(W_o x + U_o h[t-1])
      c = (1 − i)·c[t-1] + i ⊙ g
      h = o * tanh(c)`;
    expect(sameEquations(parseCell(written), lstm({ coupled: true }))).toBe(true);
    expect(cellText(lstm({ coupled: true }))).toBe(
      [
        ...["state h, c", "i = sigmoid(W_i x + U_i h[t-1])", "g = tanh(W_g x + U_g h[t-1])"],
        ...["o = sigmoid(W_o x + U_o h[t-1])", "f = 1 - i", "c = f * c[t-1] + i * g", "h = o * tanh(c)", ""],
      ].join("\n"),
    );
  });

  test("a model of it is made again from its config", () => {
    const cell = parseCell("z = σ(W_z x)\nh = (1 - z) * h[t-1] + z * relu(W_n x)");
    const { config } = languageModel({ vocabularySize: 5, hiddenSize: 4, cell });
    const said = JSON.parse(JSON.stringify(config));
    const again = languageModelFromConfig(said, { cells: cellsInWords(said) });
    expect(sameEquations(again.cell, cell)).toBe(true);
    expect(() => languageModelFromConfig(said)).toThrow(/give it again/);
    expect(cellsInWords({ cell: { name: "lstm" } })).toEqual({});
    expect(() => cellsInWords({ cell: { name: "equations", options: { text: "h = " } } })).toThrow(/line 1, column 5/);
  });

  test.each([
    ["", 1, 1, "expected at least one equation"],
    ["h = tanh(W_h x + U_h h[t-1]", 1, 28, "the closing bracket"],
    ["h = tnh(W_h x)", 1, 5, "did you mean tanh?"],
    ["h = W_h x\nh = h[t-1]", 2, 1, "explained once"],
    ["h = f * h[t-1] + W_h x", 1, 5, "f is not known"],
    ["h = h + W_h x * h[t-1]", 1, 5, "the one of the step before is h[t-1]"],
    ["h = x + h[t-1]", 1, 5, "write W_… x"],
    ["h = W_h h[t-1]", 1, 9, "W_h multiplies the input"],
    ["h = U_h h[t-1]", 1, 5, "no W_h x"],
    ["h = tanh(W_h x)", 1, 16, "nothing is carried on"],
    ["h = W_h x + c[t-1]", 1, 13, "no line says what c becomes"],
    ["state h\nh = W_h x + c[t-1]", 2, 13, "c is no state"],
    ["state h, c\nh = W_h x + h[t-1]", 2, 19, "the state c has no equation"],
    ["a = W_a x + U_a h[t-1]\nh = a + U_a a", 2, 9, "multiplies one"],
    ["h = h[t-1] * 2", 1, 15, "the input is not used"],
    ["h = W_h x + c[t-1] + c[t-1]", 1, 13, "no line says what c becomes"],
    ["state h\na = h + W_a x\nh = a", 2, 5, "the one of the step before is h[t-1]"],
    ["a = h[t-1] + h\nh = W_h x", 1, 14, "the one of the step before is h[t-1]"],
    ["candidate = W_a x\nh = candidat + h[t-1]", 2, 5, "did you mean candidate?"],
    ["state h\nstate c\nh = W_h x + h[t-1]", 2, 1, "states are named once"],
    ["state h, h\nh = W_h x + h[t-1]", 1, 10, "h is named twice"],
    ["a = W_a x\ngates a\nh = a + h[t-1]", 2, 7, "stands before this line"],
    ["h = W_h x + h[t-2]", 1, 14, "[t-1]"],
    ["h = W_h x + h[t-1] 2", 1, 20, "end of the line"],
    ["h = if(h[t-1] + 1, W_h x, 0)", 1, 18, "comparison"],
    ["h = if(h[t-1] constructor 1, W_h x, 0)", 1, 15, "comparison"],
    ["h = if(h[t-1] toString 1, W_h x, 0)", 1, 15, "comparison"],
    ["c = W_c x + h[t-1]\nh = c\nstate c", 1, 13, "h is no state"],
    ["tanh = W_h x", 1, 1, "means something already"],
    ["constructor = W_h x + constructor[t-1]", 1, 1, "means something already"],
    ["a = W_a x\nh = a (1 - h[t-1])", 2, 5, "a product is written with *"],
    ["h = constructor(W_h x)", 1, 5, "no function"],
    ["h = W_h x + 🙂", 1, 13, "expected a name"],
    ["h = W_h x + h[t-1] * 1e999", 1, 22, "too large"],
    ["mask m = dropout 2 per step\nh = W_h x + h[t-1]", 1, 18, "a probability"],
    ["bias some\nh = W_h x + h[t-1]", 1, 6, "bias none"],
    [`h = ${"(".repeat(101)}`, 1, 106, "more than 100"],
    [`h = ${"U_a ".repeat(102)}`, 1, 409, "more than 100"],
    ["#".repeat(20_001), 1, 1, "at most 20000"],
  ])("%s is refused at line %d, column %d", (text, line, column, what) => {
    expect(() => parseCell(text)).toThrow(
      expect.objectContaining({ code: "bad-equations", line, column, message: expect.stringContaining(what) }),
    );
    expect(() => parseCell(text)).not.toThrow("undefined");
  });

  test.each([
    ["state h, c", true],
    ["state c, h", true],
    ["state a, h, c", true],
    ["state h", false],
    ["state a", false],
  ])("the line %s says the same wherever it stands", (state, fits) => {
    const equations = ["a = W_a x + U_a h[t-1]", "c = a + c[t-1]", "h = c * a"];
    const placed = [0, 1, 2, 3].map((at) => equations.toSpliced(at, 0, state).join("\n"));
    if (!fits) for (const text of placed) expect(() => parseCell(text)).toThrow(/is no state; the line "state" names/);
    else
      for (const cell of placed.map(parseCell)) {
        expect(sameEquations(cell, parseCell(placed[0]!))).toBe(true);
        expect(stepProgram(cell).forward.length).toBeGreaterThan(0);
      }
  });

  test("a weight begins with 0 unless the text says otherwise", () => {
    const { weights } = parseCell("weight p, q = -1.5e-2\nh = W_h x + p * h[t-1] + q");
    expect(weights).toEqual({ p: 0, q: -0.015 });
  });

  test("what is no text", () => {
    for (const wrong of [undefined, 3, ["h = W_h x"]])
      expect(() => parseCell(wrong as never)).toThrow(expect.objectContaining({ code: "bad-equations" }));
  });

  test("whatever is typed, it is a cell or an error for people", () => {
    const part = fc.constantFrom(
      ...[
        "h",
        "[t-1]",
        "W_a x",
        "U_a",
        "(",
        ")",
        "+",
        "-",
        "*",
        "=",
        "\n",
        "tanh",
        "if",
        "mask",
        "state",
        "1",
        "<",
        ",",
        " ",
        "__proto__",
      ],
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string({ maxLength: 3 })), { maxLength: 30 }), (parts) => {
        try {
          parseCell(parts.join(" "));
        } catch (error) {
          expect(error).toBeInstanceOf(LongshortError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
