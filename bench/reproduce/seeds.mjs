/**
 * A recipe over several seeds: mean and standard deviation, with everything that is needed to do it again.
 *
 *   node bench/reproduce/seeds.mjs RECIPE [--variant NAME] [--seeds 0,1,2] [--output FOLDER]
 *
 * A recipe is a file of `recipes/` (`recipe.mjs` says what it exports). Data are read below the folder that LONGSHORT_REFERENCE_DATA
 * names. FOLDER (runs/reproduce) gets RECIPE-VARIANT.json, rewritten after each seed, and RECIPE-VARIANT.log, all that was printed.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ensureBuilt, orExit } from "../../scripts/bootstrap.mjs";
import { engineFlags, hasEngineFlags } from "../../scripts/flags.mjs";
import { missingData, pathsOf } from "./data.mjs";
import { summary, summaryLine } from "./statistics.mjs";

const self = fileURLToPath(import.meta.url);
const recipes = readdirSync(new URL("recipes/", import.meta.url))
  .filter((file) => file.endsWith(".mjs"))
  .map((file) => file.slice(0, -4))
  .sort();

const call = readCall(process.argv.slice(2));
// V8 reads its flags when a process starts.
if (!hasEngineFlags()) {
  const { status } = spawnSync(process.execPath, [...engineFlags(), self, ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  process.exit(status ?? 1);
}
orExit(ensureBuilt);
await main(call);

async function main({ name, variant, seeds, output }) {
  const { recipe } = await import(`./recipes/${name}.mjs`);
  const chosen = variant ?? Object.keys(recipe.variants)[0];
  const settings = recipe.variants[chosen];
  if (!settings) wrong(`--variant: ${name} has no "${chosen}"; it has ${Object.keys(recipe.variants).join(", ")}`);
  const missing = missingData(recipe.data);
  if (missing) {
    console.error(`error: ${name}: ${missing}`);
    process.exit(1);
  }
  mkdirSync(output, { recursive: true });
  const file = join(output, `${name}-${chosen}`);
  writeFileSync(`${file}.log`, "");
  const log = (line) => {
    console.log(line);
    appendFileSync(`${file}.log`, `${line}\n`);
  };
  const { VERSION } = await import("../../dist/shared/version.js");
  const host = {
    ...{ longshort: VERSION, commit: commit(), node: process.versions.node, flags: process.execArgv },
    ...{ processor: cpus()[0]?.model ?? "unknown", threads: process.env.LONGSHORT_THREADS ?? "automatic" },
  };
  const started = new Date().toISOString();
  log(`${name}, ${chosen}: ${recipe.about}`);
  log(`settings ${JSON.stringify(settings)}`);
  log(`longshort ${host.longshort} (${host.commit}), Node ${host.node} ${host.flags.join(" ")}, ${host.processor}`);
  const results = [];
  for (const seed of seeds) {
    const [before, began] = [process.cpuUsage(), performance.now()];
    const saved = `${file}-${seed}.saved`;
    const { measures, details } = await recipe.run({ settings, seed, data: pathsOf(recipe.data), saved, log });
    const { user, system } = process.cpuUsage(before);
    const cost = { cpuSeconds: (user + system) / 1e6, seconds: (performance.now() - began) / 1000 };
    results.push({ seed, measures, ...cost, ...(details && { details }) });
    const figures = Object.entries(measures).map(([key, value]) => `${key} ${value.toPrecision(5)}`);
    log(`seed ${seed}: ${figures.join(", ")} (${cost.cpuSeconds.toFixed(0)} s of CPU time)`);
    const report = { recipe: name, variant: chosen, about: recipe.about, settings, started, host, results };
    writeFileSync(`${file}.json`, `${JSON.stringify({ ...report, summary: summary(results) }, undefined, 2)}\n`);
  }
  for (const [measure, one] of Object.entries(summary(results))) log(summaryLine(measure, one));
  if (recipe.reach?.[chosen]) log(`to reach: ${recipe.reach[chosen]}`);
}

/** Which commit the code is of, and whether it was changed since. */
function commit() {
  const git = (...words) =>
    spawnSync("git", words, { encoding: "utf8", cwd: fileURLToPath(new URL(".", import.meta.url)) });
  const { status, stdout } = git("describe", "--always", "--dirty", "--exclude", "*");
  return status === 0 ? stdout.trim() : "no commit";
}

function readCall(argv) {
  let parsed;
  try {
    parsed = parseArgs({
      ...{ args: argv, allowPositionals: true },
      options: {
        variant: { type: "string" },
        seeds: { type: "string", default: "0,1,2" },
        output: { type: "string", default: join("runs", "reproduce") },
      },
    });
  } catch (error) {
    wrong(error.message);
  }
  const { values, positionals } = parsed;
  const [name] = positionals;
  if (positionals.length !== 1 || !existsSync(new URL(`recipes/${name}.mjs`, import.meta.url)))
    wrong(`expected one recipe, got ${positionals.join(" ") || "none"}; there are ${recipes.join(", ")}`);
  const seeds = values.seeds.split(",").map(Number);
  if (seeds.some((seed) => !Number.isSafeInteger(seed) || seed < 0))
    wrong(`--seeds: expected whole numbers from 0 on with commas between, got ${values.seeds}`);
  return { name, variant: values.variant, seeds, output: values.output };
}

function wrong(message) {
  console.error(`error: ${message}`);
  process.exit(2);
}
