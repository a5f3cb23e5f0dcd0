import { describe, expect, test } from "vitest";
import { defineCell, input, split } from "../../src/cells/define.ts";
import { gru } from "../../src/cells/gru.ts";
import { layerNormLstm } from "../../src/cells/layer-norm-lstm.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { minGru } from "../../src/cells/min-gru.ts";
import { cellByName, cellNames } from "../../src/cells/registry.ts";
import { rnn } from "../../src/cells/rnn.ts";
import { add, mul, sigmoid, sub, tanh } from "../../src/math/expression.ts";
import { leakyRelu } from "../../src/math/functions.ts";
import { derivatives } from "../../src/print/latex-derivatives.ts";
import { aligned, equations } from "../../src/print/latex-equations.ts";

const gate = (name: string): string => `W_${name} x_t + b^{x}_${name} + U_${name} h_{t-1} + b^{h}_${name}`;

describe("equations", () => {
  test("of the LSTM", () =>
    expect(equations(lstm())).toEqual([
      `i_t = \\sigma(${gate("i")})`,
      `f_t = \\sigma(${gate("f")})`,
      `g_t = \\tanh(${gate("g")})`,
      `o_t = \\sigma(${gate("o")})`,
      "c_t = f_t \\odot c_{t-1} + i_t \\odot g_t",
      "h_t = o_t \\odot \\tanh(c_t)",
    ]));

  test("of the GRU: the reset gate after the product, and before it", () => {
    expect(equations(gru())).toEqual([
      `r_t = \\sigma(${gate("r")})`,
      `z_t = \\sigma(${gate("z")})`,
      "n_t = \\tanh(W_n x_t + b^{x}_n + r_t \\odot (U_n h_{t-1} + b^{h}_n))",
      "h_t = (1 - z_t) \\odot n_t + z_t \\odot h_{t-1}",
    ]);
    expect(equations(gru({ resetAfter: false }))[2]).toBe(
      "n_t = \\tanh(W_n x_t + b^{x}_n + U_n (r_t \\odot h_{t-1}) + b^{h}_n)",
    );
  });

  test("one gate that is the state needs no name of its own", () =>
    expect(equations(rnn())).toEqual(["h_t = \\tanh(W x_t + b^{x} + U h_{t-1} + b^{h})"]));

  test("without recurrent matrices there is one bias", () =>
    expect(equations(minGru())).toEqual([
      "z_t = \\sigma(W_z x_t + b_z)",
      "n_t = W_n x_t + b_n",
      "h_t = (1 - z_t) \\odot h_{t-1} + z_t \\odot n_t",
    ]));

  test("without biases there is none", () =>
    expect(equations(lstm({ bias: false }))[0]).toBe("i_t = \\sigma(W_i x_t + U_i h_{t-1})"));

  test("peepholes, and no name before its line: o looks at the new c", () => {
    const lines = equations(lstm({ peephole: true }));
    expect(lines.map((l) => l.slice(0, 3))).toEqual(["i_t", "f_t", "g_t", "c_t", "o_t", "h_t"]);
    expect(lines[0]).toBe(`i_t = \\sigma(${gate("i")} + p_i \\odot c_{t-1})`);
    expect(lines[4]).toBe(`o_t = \\sigma(${gate("o")} + p_o \\odot c_t)`);
  });

  test("coupled gates, projection", () => {
    expect(equations(lstm({ coupled: true }))).toContain("f_t = 1 - i_t");
    expect(equations(lstm({ projection: true })).at(-1)).toBe("h_t = W_{hr} (o_t \\odot \\tanh(c_t))");
  });

  test("masks: per sequence without, per step with the time", () => {
    const lines = equations(lstm({ zoneout: 0.1, recurrentDropout: 0.2, clip: 3 }));
    expect(lines[0]).toBe(
      "i_t = \\sigma(\\operatorname{clip}_{[-3,\\,3]}(W_i x_t + b^{x}_i + U_i (d \\odot h_{t-1}) + b^{h}_i))",
    );
    expect(lines[5]).toBe(
      "h_t = k^{h}_t \\odot h_{t-1} + (1 - k^{h}_t) \\odot o_t \\odot \\tanh(f_t \\odot c_{t-1} + i_t \\odot g_t)",
    );
  });

  test("means and variances stand on lines of their own, once", () => {
    const lines = equations(layerNormLstm());
    expect(lines.filter((l) => l.includes("mean")).map((l) => l.split(" = ")[0])).toEqual([
      "\\mu_{1,t}",
      "\\sigma^2_{1,t}",
      "\\mu_{2,t}",
      "\\sigma^2_{2,t}",
      "\\mu_{3,t}",
      "\\sigma^2_{3,t}",
    ]);
    expect(lines.at(-2)).toBe("\\sigma^2_{3,t} = \\operatorname{mean}((c_t - \\mu_{3,t})^{2})");
    expect(lines.at(-1)).toBe(
      "h_t = o_t \\odot \\tanh\\left(\\gamma_c \\odot \\frac{c_t - \\mu_{3,t}}{\\sqrt{\\sigma^2_{3,t} + 10^{-5}}} + \\beta_c\\right)",
    );
  });

  test("what an activation writes twice gets a letter", () =>
    expect(equations(rnn({ activation: leakyRelu(0.1) }))).toEqual([
      "a_t = W x_t + b^{x} + U h_{t-1} + b^{h}",
      "h_t = \\begin{cases} 0.1\\,a_t & \\text{if } a_t < 0 \\\\ a_t & \\text{otherwise} \\end{cases}",
    ]));

  test("of a user's cell, with names of any length and states that only hand on", () => {
    const cell = defineCell({
      name: "mine",
      gates: { keep: sigmoid, n2: split(), alpha: input(tanh) },
      state: ["h", "memory", "old"],
      weights: { scale: 1 },
      step({ keep, n2, alpha }, previous, { weights }) {
        const memory = add(mul(keep, previous.memory), mul(sub(1, keep), add(n2.x, n2.h)));
        return { h: mul(weights.scale, add(memory, alpha)), memory, old: previous.h };
      },
    });
    expect(equations(cell)).toEqual([
      "\\mathrm{keep}_t = \\sigma(W_{\\mathrm{keep}} x_t + b^{x}_{\\mathrm{keep}} + U_{\\mathrm{keep}} h_{t-1} + b^{h}_{\\mathrm{keep}})",
      "\\alpha_t = \\tanh(W_{\\alpha} x_t + b^{x}_{\\alpha})",
      "\\mathrm{memory}_t = \\mathrm{keep}_t \\odot \\mathrm{memory}_{t-1} + (1 - \\mathrm{keep}_t) \\odot (W_{n_2} x_t + b^{x}_{n_2} + U_{n_2} h_{t-1} + b^{h}_{n_2})",
      "h_t = \\mathrm{scale} \\odot (\\mathrm{memory}_t + \\alpha_t)",
      "\\mathrm{old}_t = h_{t-1}",
    ]);
  });

  test("in the letters of lectures: one matrix a gate on input and state stacked", () => {
    expect(equations(lstm(), { notation: "note" })).toEqual([
      "z^{i} = \\sigma(W^{i} [x_t ; h_{t-1}] + b^{i})",
      "z^{f} = \\sigma(W^{f} [x_t ; h_{t-1}] + b^{f})",
      "z = \\tanh(W [x_t ; h_{t-1}] + b)",
      "z^{o} = \\sigma(W^{o} [x_t ; h_{t-1}] + b^{o})",
      "c_t = z^{f} \\odot c_{t-1} + z^{i} \\odot z",
      "h_t = z^{o} \\odot \\tanh(c_t)",
    ]);
    expect(equations(lstm({ bias: false }), { notation: "note" })[2]).toBe("z = \\tanh(W [x_t ; h_{t-1}])");
  });

  test("aligned at their first equals sign", () =>
    expect(aligned(["a = b", "c = d"])).toBe("\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}"));

  test.each(cellNames)("%s: every line has its own name, used only afterwards", (name) => {
    const lines = equations(cellByName(name));
    const names = lines.map((l) => l.split(" = ")[0]!);
    expect(new Set(names).size).toBe(names.length);
    lines.forEach((line, k) => {
      const right = line.slice(names[k]!.length);
      for (const later of names.slice(k)) expect(right.includes(` ${later} `)).toBe(false);
    });
  });
});

describe("derivatives", () => {
  test("of the LSTM", () =>
    expect(derivatives(lstm())).toEqual([
      "\\delta c_t = \\bar{c}_t + \\bar{h}_t \\odot o_t \\odot (1 - \\tanh(c_t)^{2})",
      "\\delta^{i}_t = \\delta c_t \\odot g_t \\odot i_t \\odot (1 - i_t)",
      "\\delta^{f}_t = \\delta c_t \\odot c_{t-1} \\odot f_t \\odot (1 - f_t)",
      "\\delta^{g}_t = \\delta c_t \\odot i_t \\odot (1 - g_t^{2})",
      "\\delta^{o}_t = \\bar{h}_t \\odot \\tanh(c_t) \\odot o_t \\odot (1 - o_t)",
      "\\bar{h}_{t-1} = U_g^{\\top} \\delta^{g}_t + U_i^{\\top} \\delta^{i}_t + U_f^{\\top} \\delta^{f}_t + U_o^{\\top} \\delta^{o}_t",
      "\\bar{c}_{t-1} = \\delta c_t \\odot f_t",
    ]));

  test("of the GRU the candidate's two parts have their own", () => {
    const lines = derivatives(gru());
    expect(lines[0]).toBe("\\delta^{n,x}_t = \\bar{h}_t \\odot (1 - z_t) \\odot (1 - n_t^{2})");
    expect(lines).toContain("\\delta^{n,h}_t = \\delta^{n,x}_t \\odot r_t");
  });

  test("through a projection", () =>
    expect(derivatives(lstm({ projection: true }))[0]).toContain("(W_{hr}^{\\top} \\bar{h}_t) \\odot o_t"));

  test("layer normalization has none that could be read", () => expect(derivatives(layerNormLstm())).toEqual([]));
});
