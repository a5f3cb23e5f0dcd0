/** usage: node onnxruntime-node.mjs FOLDER THREADS. Runs one LSTM node in ONNX Runtime. */
import { createRequire } from "node:module";
import { measure } from "../../dist/cli/bench/measure.js";
import { readData } from "../data.mjs";
import { onnxLstm, onnxRunner } from "./onnx-data.mjs";
import { report } from "./report.mjs";

const require = createRequire(import.meta.url);
const ort = require("onnxruntime-node");
const { version } = require("onnxruntime-node/package.json");
const data = readData(process.argv[2]);
const session = await ort.InferenceSession.create(onnxLstm(data), {
  ...{ intraOpNumThreads: Number(process.argv[3]), interOpNumThreads: 1 },
});
const { run, check } = onnxRunner(ort, session, data);
const agree = await check();
report({ version, agree, ...(await measure(run, { singles: data.c.kind === "stream" })) });
