/** usage: node onnxruntime-web.mjs FOLDER THREADS. Runs one LSTM node in the WebAssembly build of ONNX Runtime. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { measure } from "../../dist/cli/bench/measure.js";
import { readData } from "../data.mjs";
import { onnxLstm, onnxRunner } from "./onnx-data.mjs";
import { report } from "./report.mjs";

const require = createRequire(new URL("../peers/", import.meta.url));
const entry = require.resolve("onnxruntime-web");
const ort = require("onnxruntime-web");
const { version } = JSON.parse(readFileSync(entry.replace(/dist[\\/].*$/, "package.json"), "utf8"));
ort.env.wasm.numThreads = Number(process.argv[3]);
const data = readData(process.argv[2]);
const session = await ort.InferenceSession.create(onnxLstm(data), { executionProviders: ["wasm"] });
const { run, check } = onnxRunner(ort, session, data);
const agree = await check();
report({ version, agree, ...(await measure(run, { singles: data.c.kind === "stream" })) });
