/** Reads the words of `npm run bench`; a wrong call ends with exit code 2. */
import { parseArgs } from "node:util";
import { casesNamed } from "../dist/cli/bench/cases.js";
import { cases } from "./cases.mjs";

export function readOptions(argv) {
  try {
    return parse(argv);
  } catch (error) {
    console.error(`error: ${error.message}`);
    process.exit(2);
  }
}

/** @throws Error in words for the user */
export function parse(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      case: { type: "string" },
      rounds: { type: "string", default: "3" },
      json: { type: "string" },
      node: { type: "string", default: "24" },
      engine: { type: "string", default: "node" },
      threads: { type: "string", default: "1,2" },
      "no-peers": { type: "boolean", default: false },
      "pytorch-avx2": { type: "boolean", default: false },
    },
  });
  const known = Object.keys(cases);
  const words = values.case === undefined ? known : list(values.case);
  const unknown = words.find((word) => casesNamed(word, known).length === 0);
  if (unknown !== undefined) throw new Error(`--case: there is no "${unknown}"; there are ${known.join(", ")}`);
  const threads = list(values.threads).map((word) => whole("--threads", word));
  if (!/^\d+$/.test(values.node)) throw new Error(`--node: expected a major version such as 24, got ${values.node}`);
  if (!["node", "chromium"].includes(values.engine))
    throw new Error(`--engine: expected node or chromium, got ${values.engine}`);
  return {
    ...{ cases: words, threads, json: values.json, node: values.node, engine: values.engine },
    rounds: whole("--rounds", values.rounds),
    peers: !values["no-peers"],
    avx2: values["pytorch-avx2"],
  };
}

const list = (text) =>
  text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");

function whole(option, word) {
  const value = Number(word);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Error(`${option}: expected a whole number from 1 on, got ${word}`);
}
