/** The engine that ours runs on: a version of Node with its flags for full speed, or Chromium. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { engineFlags } from "../scripts/flags.mjs";

const script = (name) => fileURLToPath(new URL(`systems/${name}`, import.meta.url));

/** Node of this major version with the flags it takes, from this process or through npx. Says so when it cannot be had. */
function nodeCommand(major) {
  if (process.versions.node.startsWith(`${major}.`)) return [process.execPath, ...engineFlags()];
  const words = ["-y", "-p", `node@${major}`, "node", "-p", "process.execPath + ' ' + process.versions.node"];
  const found = spawnSync("npx", words, { encoding: "utf8" });
  const [execPath, version] = (found.stdout ?? "").trim().split(" ");
  if (!execPath) {
    console.error(`Node ${major} cannot be had through npx; measuring ${process.version}`);
    return [process.execPath, ...engineFlags()];
  }
  return [execPath, ...engineFlags({ execPath, version })];
}

/** @returns {{ say: string, command(name: string, ...words: (string | number)[]): string[] }} how to start our scripts there */
export function openEngine({ engine, node }) {
  const start = engine === "chromium" ? [process.execPath] : nodeCommand(node);
  return {
    say: engine === "chromium" ? "Chromium" : start.join(" "),
    node: start,
    case: (data, threads) => [
      ...start,
      script(engine === "chromium" ? "chromium.mjs" : "longshort.mjs"),
      data,
      String(threads),
    ],
    script: (name, ...words) => [...start, script(name), ...words.map(String)],
  };
}
