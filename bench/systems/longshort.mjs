/** usage: node longshort.mjs FOLDER THREADS. Runs a case on the built library, through what it offers in public. */
import { readFileSync } from "node:fs";
import * as library from "longshort";
import { limitFor } from "../../dist/cli/bench/limits.js";
import { readData } from "../data.mjs";
import { measureOurs } from "./ours.mjs";
import { report } from "./report.mjs";

const [folder, threads] = [process.argv[2], Number(process.argv[3])];
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const data = readData(folder);
const result = await measureOurs(library, { ...data, threads });
report({ version, ...result, limit: await limitFor(data.c, result) });
