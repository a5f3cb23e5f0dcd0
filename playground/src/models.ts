import { loadRun, type Machine, openMachine } from "longshort";
import { connectWorker, type ModelFacts, type OpenedText, type WorkerClient } from "longshort/worker";

import { say } from "./language.ts";

export type Shipped = "recall-lstm" | "recall-gru" | "recall-rnn" | (typeof SHIPPED_READERS)[number];

/** Those of the sequence room. */
export const SHIPPED_READERS = ["text-lstm", "text-gru", "series-lstm", "series-gru"] as const;

/** Whether a shipped model reads numbers. */
export const readsNumbers = (name: string): boolean => name.startsWith("series-");

const files = new Map<string, Promise<Uint8Array>>();

/** The bytes of a model that comes with the page. */
function shippedBytes(name: Shipped): Promise<Uint8Array> {
  let bytes = files.get(name);
  if (!bytes) {
    bytes = fetched(new URL(`models/${name}.safetensors`, document.baseURI));
    files.set(name, bytes);
    // The next who asks tries again.
    bytes.catch(() => files.delete(name));
  }
  return bytes;
}

async function fetched(url: URL): Promise<Uint8Array> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw new Error(
      say(
        `The model could not be fetched. Load the page again when its host can be reached. (${(cause as Error).message})`,
        `模型没能取到。等网站能连上时，请重新加载本页。（${(cause as Error).message}）`,
      ),
      { cause },
    );
  }
}

let reference: Promise<Machine> | undefined;

/** One of the tiny models, in float64 on the page itself: four units take no time. */
export async function tinyModel(name: Shipped): Promise<OpenedText> {
  reference ??= openMachine("reference");
  return loadRun(await shippedBytes(name), { machine: await reference });
}

let client: WorkerClient | undefined;

/** The worker that reads and trains. */
export function worker(): WorkerClient {
  try {
    client ??= connectWorker(
      new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "longshort" }),
    );
    return client;
  } catch (cause) {
    throw new Error(
      say(
        "This browser refuses workers, in which models are read and trained. Allow them for this page and load it again.",
        "此浏览器禁用了 worker，模型无法读取和训练。请允许本页使用后重新加载。",
      ),
      { cause },
    );
  }
}

const opened = new Map<string, Promise<ModelFacts>>();

/** A shipped model in the worker, opened once. */
export function shippedModel(name: Shipped): Promise<ModelFacts> {
  let facts = opened.get(name);
  if (!facts) {
    // A copy: the bytes stay here for the next who asks.
    facts = shippedBytes(name).then((bytes) => worker().call("open", { file: bytes.slice(), name }));
    opened.set(name, facts);
    facts.catch(() => opened.delete(name));
  }
  return facts;
}
