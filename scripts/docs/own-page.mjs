import { formulas } from "./formula.mjs";

/** docs/cells/your-own.md, around the example that the tests run. */
export function ownPage(source, cell, { equations, derivatives, aligned }) {
  return `${[
    "# A cell of your own",
    "<!-- Printed by `npm run docs:cells` from examples/own-cell.ts and scripts/docs/own-page.mjs; change those. -->",
    "A cell is an object of equations that `defineCell` records. Nothing else has to be written: the gradient, the kernels of both machines, the formulas and the traces are derived from it, as they are for the built-in cells, which are made in the same way.",
    `\`\`\`ts file=examples/own-cell.ts\n${source.trim()}\n\`\`\``,
    "Its equations, as `equations(ownCell)` prints them:",
    formulas(equations(cell), aligned),
    "and its derivative, as `derivatives(ownCell)` prints it:",
    formulas(derivatives(cell), aligned),
    "## What a cell can say",
    `| said as | for example | what it means |
| --- | --- | --- |
| \`gates: { f: sigmoid }\` | LSTM | the gate is \`sigmoid(W x + U h + b)\`; the order of gates is the order of rows in \`weight_ih\` |
| \`split()\` | GRU | \`step\` gets the gate in two parts, \`{ x, h }\`: \`W x + bˣ\` and \`U h + bʰ\` |
| \`input(sigmoid)\` | minGRU | no recurrent matrix and no recurrent bias |
| \`gateOf(tanh, of)\` | GRU with the reset gate first | the recurrent matrix multiplies another vector, made of previous states, masks and gates listed before |
| \`state: ["h", "c"]\` | LSTM | vectors carried on; the first is the output |
| \`state: { h: "projection", c: "hidden" }\` and \`projections: ["hr"]\` | LSTM with projection | states of another width; \`project.hr(v)\` in \`step\` is the matrix times v |
| \`weights: { p: 0 }\` | peepholes | one number a unit, here 0 at first |
| \`masks: { keep: { per: "step", rate: 0.1, kind: "zoneout" } }\` | zoneout | random numbers, drawn once a sequence or at every step |
| \`recurrent: ({ previous, masks }) => …\` | recurrent dropout | what all recurrent matrices multiply, by default the first state |
| \`mean(…)\` | layer normalisation | the mean over all units of one example |
| \`bias: "none"\` | layer normalisation | products without biases |`,
    '`step` returns the next states; whatever else it returns has a name in formulas and traces. A model that was saved with a cell of yours is loaded with `loadRun(folder, machine, { cells: { "own-cell": ownCell } })`.',
  ].join("\n\n")}\n`;
}
