import { formula, formulas } from "./formula.mjs";

/**
 * The documentation page of a cell: printed from its equations and from `text`.
 *
 * @param {import("./cell-texts.mjs").CellText} text
 * @param {object} library What the pages are printed with, from dist/ or from src/: `cellByName`, `equations`, `derivatives`, `aligned`,
 *   `latex`, `namesOf`, `namedValues`, `parameterShapes`, `stepProgram`, `inOrder`.
 */
export function cellPage(text, library) {
  const { cellByName, equations, derivatives, aligned } = library;
  const cell = cellByName(text.name);
  const lines = equations(cell);
  const parts = [
    `# ${text.title}`,
    "<!-- Printed by `npm run docs:cells` from the cell's equations and scripts/docs/cell-texts.mjs; change those. -->",
    text.words,
    "## Equations",
    "σ is the logistic function, ⊙ the product unit by unit. x is the input of a step; letters with t − 1 belong to the step before it.",
    formulas(lines, aligned),
  ];
  if (text.name === "lstm")
    parts.push(
      'Many lectures write the same with one matrix a gate on input and state stacked, and with the letter z for the gates (`equations(lstm(), { notation: "note" })`):',
      formulas(equations(cell, { notation: "note" }), aligned),
    );
  for (const [heading, options, words] of text.variants ?? []) {
    const variant = equations(cellByName({ name: text.name, options }));
    parts.push(
      `### ${heading}`,
      words,
      formulas(
        variant.filter((line) => !lines.includes(line)),
        aligned,
      ),
    );
  }
  parts.push("## Parameters", parameters(cell, library));
  parts.push("## What is saved for the backward pass", saved(cell, library));
  const back = derivatives(cell);
  parts.push("## Backward", backward(back, aligned));
  if (text.options) parts.push("## Options", text.options.map((line) => `- ${line}`).join("\n"));
  parts.push("## Example", example(text.name, cell));
  parts.push("## Sources", text.sources.map((line) => `- ${line}`).join("\n"));
  return `${parts.join("\n\n")}\n`;
}

/** Letters in place of sizes: a product of small primes shows which sizes went into it. */
const SIZES = { inputSize: 1009, hiddenSize: 1013, projectionSize: 1019 };
const LETTERS = [
  [SIZES.inputSize, "D"],
  [SIZES.hiddenSize, "H"],
  [SIZES.projectionSize, "P"],
];

function letters(n) {
  let rest = n;
  let names = "";
  for (const [size, letter] of LETTERS)
    while (rest % size === 0) {
      rest /= size;
      names += letter;
    }
  return rest === 1 && names !== "" ? names : `${rest}${names}`;
}

const publicName = (name) =>
  name.startsWith("weight.") ? name.slice(7) : name.startsWith("projection.") ? `weight_${name.slice(11)}` : name;

const meaning = (name, cell) => {
  const gates = cell.gates.map((g) => g.name).join(", ");
  const recurrent = cell.gates.filter((g) => g.recurrent).map((g) => g.name);
  if (name === "weight_ih") return cell.gates.length === 1 ? "W" : `W of the gates ${gates}, one below the other`;
  if (name === "weight_hh") return cell.gates.length === 1 ? "U" : `U of the gates ${recurrent.join(", ")}`;
  if (name === "bias_ih")
    return `${recurrent.length > 0 ? "bˣ" : "b"}${cell.gates.length === 1 ? "" : ", in the same order"}`;
  if (name === "bias_hh") return "bʰ";
  if (name.startsWith("projection.")) return "the projection";
  return `one number a unit, at first ${cell.weights[name.slice(7)]}`;
};

function parameters(cell, { parameterShapes }) {
  const shapes = Object.entries(parameterShapes(cell, SIZES));
  const rows = shapes.map(
    ([name, shape]) => `| \`${publicName(name)}_l0\` | [${shape.map(letters).join(", ")}] | ${meaning(name, cell)} |`,
  );
  const sums = new Map();
  for (const [, shape] of shapes) {
    const [, count, unit] = /^(\d*)(.*)$/.exec(letters(shape.reduce((a, b) => a * b, 1)));
    sums.set(unit, (sums.get(unit) ?? 0) + Number(count || 1));
  }
  const total = [...sums]
    .map(([unit, count]) => `${count === 1 ? "" : count}${unit}`)
    .join(" + ")
    .replace("HH", "H²");
  const count = shapes.reduce((n, [, shape]) => n + shape.reduce((a, b) => a * b, 1), 0);
  const check = evaluateTotal(sums);
  if (check !== count) throw new Error(`${cell.name}: ${total} is ${check}, not ${count}`);
  return [
    "Of the first layer with input size D and hidden size H; a second layer ends in `_l1`, the backward direction in `_reverse`.",
    ["| name | shape | what |", "| --- | --- | --- |", ...rows].join("\n"),
    `Together ${total} numbers: ${numbers(cell, parameterShapes)} with D = 64 and H = 128.`,
  ].join("\n\n");
}

const evaluateTotal = (sums) =>
  [...sums].reduce(
    (n, [unit, count]) => n + count * [...unit].reduce((p, u) => p * LETTERS.find(([, l]) => l === u)[0], 1),
    0,
  );
const numbers = (cell, parameterShapes) =>
  Object.values(parameterShapes(cell, { inputSize: 64, hiddenSize: 128, projectionSize: 0 }))
    .reduce((n, shape) => n + shape.reduce((a, b) => a * b, 1), 0)
    .toLocaleString("en");

/** The values of a step that its backward pass reads from memory, apart from states. */
function savedValues(cell, program, { inOrder, latex, namesOf, namedValues }) {
  const names = namesOf(cell, "pytorch");
  const known = new Map(namedValues(cell, names.value).map(([name, node]) => [node, name]));
  const roots = program.backward.flatMap(({ stores, means }) => [
    ...stores.map((s) => s.value),
    ...means.flatMap((m) => m.values),
  ]);
  return inOrder(roots, (n) => program.backwardPlace(n) !== undefined)
    .filter((n) => program.backwardPlace(n)?.kind === "slot")
    .map((n) => latex(n, { ...names, known: (node) => known.get(node) }));
}

/** What lies in memory of a step between the forward and the backward pass, by the same program that the kernels are printed from. */
function saved(cell, library) {
  const program = library.stepProgram(cell);
  const values = savedValues(cell, program, library).map(formula);
  const states = cell.states.map((s) => formula(`${s.name}_t`));
  const list = (items) => (items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`);
  const operands = program.operands.filter((o) => o.state === undefined).length;
  const lines = [
    `Each step keeps ${program.slots.length === 1 ? "one vector" : `${program.slots.length} vectors`} of H numbers an example beside ${cell.states.length === 1 ? "the state" : "the states"} ${list(states)}. ${
      values.length === 0
        ? `Nothing in ${program.slots.length === 1 ? "it" : "them"} is read again: the state alone gives the derivative.`
        : `After the forward pass they hold ${list(values)}; everything else that the derivative needs is computed again from these by cheap arithmetic.`
    }`,
    "A vector first holds what the matrices gave for its gate, then what is kept in its place, and on the way back, as soon as nobody reads that any more, the gradient of what the gate saw.",
  ];
  if (operands > 0)
    lines.push(
      `${operands === 1 ? "One more vector is" : `${operands} more vectors are`} kept because a matrix multiplies ${operands === 1 ? "it" : "them"} and it is not a state.`,
    );
  if (program.means > 0) lines.push(`Of every mean one number an example is kept, ${program.means} in all.`);
  return lines.join("\n\n");
}

const backward = (lines, aligned) =>
  lines.length === 0
    ? "The derivative is taken of the equations as they stand; with its means over units it is too long to be read."
    : [
        "Derived from the equations above. h̄ is the gradient that arrives at a state, from the next step and (for the output) from above; δ with a gate above it is the gradient of what the gate's activation sees. Gradients of the matrices and biases are sums of δ over time: of δ xᵀ, δ h₋₁ᵀ and δ.",
        formulas(lines, aligned),
      ].join("\n\n");

const example = (name, cell) =>
  [
    "One step of an untrained model:",
    [
      "```ts",
      'import { createParameters, languageModel, layoutParameters, openMachine, openSession } from "longshort";',
      "",
      'const machine = await openMachine("wasm");',
      `const model = languageModel({ vocabularySize: 10, cell: "${name}", hiddenSize: 32 });`,
      "const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 0 });",
      "const session = await openSession({ model, parameters, machine });",
      `console.log(await session.next([3]), await session.state()); // scores of the next token, state ${cell.states.map((s) => s.name).join(" and ")}`,
      "machine.close();",
      "```",
    ].join("\n"),
  ].join("\n\n");
