import { connectWorker, type WorkerClient } from "../../src/worker/connect.ts";
import type { AbortMessage, CallMessage, WorkerMessage } from "../../src/worker/protocol.ts";
import { serveWorker } from "../../src/worker/serve.ts";

/** A worker that runs in this thread: messages are copied as between threads, answers come in later turns. */
export function workerHere(): WorkerClient {
  const { port1, port2 } = new MessageChannel();
  port1.start();
  port2.start();
  serveWorker(port1 as never);
  const worker = Object.assign(port2, {
    terminate: () => {
      port1.close();
      port2.close();
    },
  });
  return connectWorker(worker as unknown as Worker);
}

/** What a worker says to messages that are given to it one by one. */
export function bareWorker() {
  let listener: (event: { readonly data: unknown }) => void = () => undefined;
  const said: WorkerMessage[] = [];
  serveWorker({
    postMessage: (message) => said.push(message as WorkerMessage),
    addEventListener: (_, heard) => {
      listener = heard;
    },
  });
  const answerTo = (number: number) => said.find((one) => "number" in one && one.number === number);
  return { said, answerTo, hear: (data: CallMessage | AbortMessage) => listener({ data }) };
}
