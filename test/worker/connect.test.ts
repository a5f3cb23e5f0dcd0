import { describe, expect, test } from "vitest";
import { connectWorker } from "../../src/worker/connect.ts";
import { serveWorker } from "../../src/worker/serve.ts";
import { workerHere } from "./worker-here.ts";

/** A worker that says what it is told to. */
class FakeWorker extends EventTarget {
  postMessage(message: unknown): void {
    structuredClone(message);
  }
  terminate(): void {
    // Nothing runs.
  }
  breakDown(message: string): void {
    this.dispatchEvent(Object.assign(new Event("error"), { message }));
  }
}

test("a worker that does not hand over itself is told how", () => {
  // In plain JavaScript it is easily left out.
  expect(() => (serveWorker as () => void)()).toThrow(
    /scope: expected the worker's own self, serveWorker\(self\), got nothing/,
  );
});

describe("a page that talks to its worker", () => {
  test("fails a call to a worker that was closed", async () => {
    const client = workerHere();
    await client.call("stop", {});
    client.close();
    await expect(client.call("stop", {})).rejects.toMatchObject({ code: "worker-failed", message: /was closed/ });
  });

  test("fails calls to a worker that did not start, also later ones", async () => {
    const worker = new FakeWorker();
    const client = connectWorker(worker as unknown as Worker);
    const asked = client.call("stop", {});
    worker.breakDown("no such file");
    for (const call of [asked, client.call("stop", {})])
      await expect(call).rejects.toMatchObject({ code: "worker-failed", message: /no such file/ });
  });

  test("fails a call whose values cannot be sent, and answers others", async () => {
    const client = workerHere();
    await expect(client.call("read", { id: 1, text: (() => "") as never })).rejects.toThrow(/could not be cloned/);
    await expect(client.call("stop", {})).resolves.toBeUndefined();
    client.close();
  });
});
