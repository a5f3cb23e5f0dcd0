import { formula, formulas } from "./formula.mjs";

/**
 * The documentation page of a cell: printed from its equations and from `text`.
 *
 * @param {import("./cell-texts.mjs").CellText} text
 * @param {object} library What the pages are printed with, from dist/ or from src/: `cellByName`, `equations`, `derivatives`, `aligned`,
 *   `latex`, `namesOf`, `namedValues`, `parameterShapes`, `publicName`, `stepProgram`, `inOrder`.
 * @param {typeof import("./cell-words.mjs").english} words What stands around the formulas, in the language of the page.
 */
export function cellPage(text, library, words) {
  const { cellByName, equations, derivatives, aligned } = library;
  const cell = cellByName(text.name);
  const lines = equations(cell);
  const parts = [
    `# ${text.title}`,
    `<!-- ${words.printed} -->`,
    text.words,
    `## ${words.equations}`,
    words.letters,
    formulas(lines, aligned),
  ];
  if (text.name === "lstm") parts.push(words.note, formulas(equations(cell, { notation: "note" }), aligned));
  for (const [heading, options, why] of text.variants ?? []) {
    const variant = equations(cellByName({ name: text.name, options }));
    parts.push(
      `### ${heading}`,
      why,
      formulas(
        variant.filter((line) => !lines.includes(line)),
        aligned,
      ),
    );
  }
  parts.push(`## ${words.parameters}`, parameters(cell, library, words));
  parts.push(`## ${words.saved}`, saved(cell, library, words));
  parts.push(`## ${words.backward}`, backward(derivatives(cell), aligned, words));
  if (text.options) parts.push(`## ${words.options}`, text.options.map((line) => `- ${line}`).join("\n"));
  parts.push(`## ${words.example}`, words.oneStep, example(text.name, cell));
  parts.push(`## ${words.sources}`, text.sources.map((line) => `- ${line}`).join("\n"));
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

const meaning = (name, cell, words) => {
  const gates = cell.gates.map((g) => g.name);
  const recurrent = cell.gates.filter((g) => g.recurrent).map((g) => g.name);
  if (name === "weight_ih") return gates.length === 1 ? "W" : `${words.matrix("W", gates)}${words.below}`;
  if (name === "weight_hh") return gates.length === 1 ? "U" : words.matrix("U", recurrent);
  if (name === "bias_ih") return `${recurrent.length > 0 ? "bˣ" : "b"}${gates.length === 1 ? "" : words.sameOrder}`;
  if (name === "bias_hh") return "bʰ";
  return name.startsWith("projection.") ? words.projection : words.perUnit(cell.weights[name.slice(7)]);
};

function parameters(cell, { parameterShapes, publicName }, words) {
  const shapes = Object.entries(parameterShapes(cell, SIZES));
  const rows = shapes.map(
    ([name, shape]) =>
      `| \`${publicName(name)}_l0\` | [${shape.map(letters).join(", ")}] | ${meaning(name, cell, words)} |`,
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
    words.layers,
    [words.columns, "| --- | --- | --- |", ...rows].join("\n"),
    words.together(total, numbers(cell, parameterShapes)),
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
function saved(cell, library, words) {
  const program = library.stepProgram(cell);
  const values = savedValues(cell, program, library).map(formula);
  const states = cell.states.map((s) => formula(`${s.name}_t`));
  const operands = program.operands.filter((o) => o.state === undefined).length;
  const lines = [words.kept(program.slots.length, states, values), words.reused];
  if (operands > 0) lines.push(words.operands(operands));
  if (program.means > 0) lines.push(words.means(program.means));
  return lines.join("\n\n");
}

const backward = (lines, aligned, words) =>
  lines.length === 0 ? words.tooLong : [words.derived, formulas(lines, aligned)].join("\n\n");

const example = (name, cell) =>
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
  ].join("\n");
