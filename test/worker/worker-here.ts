import { connectWorker, type WorkerClient } from "../../src/worker/connect.ts";
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
