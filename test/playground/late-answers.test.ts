import { beforeEach, describe, expect, test, vi } from "vitest";
import { Pane, room } from "../../playground/src/sequence/pane.ts";
import { live } from "../../playground/src/training/live.ts";
import { Flow } from "../../playground/src/views/flow.ts";

vi.hoisted(() => {
  Object.defineProperty(globalThis, "navigator", { value: { language: "en" }, configurable: true });
});

/** A worker that answers when it is told to. */
const asked: { call: string; given: object; answer: (value: unknown) => void; fail: (error: Error) => void }[] = [];
vi.mock("../../playground/src/models.ts", () => ({
  shippedModel: async () => ({ id: 1, reads: "text", layers: ["l0"], channels: 1, names: ["f", "c", "h"] }),
  worker: () => ({
    call: (call: string, given: object) =>
      new Promise((answer, fail) => {
        asked.push({ call, given, answer, fail });
      }),
  }),
}));
vi.mock("../../playground/src/update.ts", () => ({ update: () => undefined }));
const next = async (call: string) => {
  await expect.poll(() => asked.some((one) => one.call === call)).toBe(true);
  return asked.splice(
    asked.findIndex((one) => one.call === call),
    1,
  )[0]!;
};
const reading = (text: string) => ({
  tokens: [...text],
  values: ["f", "c", "h"].map((name) => ({ name, layer: 0, units: 2, data: new Float32Array(2 * text.length) })),
  ...{ predictions: [], outputs: [], leftOut: [], cut: false, loss: 1 },
});
const turns = () => new Promise((resolve) => setTimeout(resolve, 5));
beforeEach(() => void asked.splice(0));

describe("what a page asked for before something else", () => {
  const opened = async (): Promise<Pane> => {
    room.text = "abcd";
    const pane = new Pane("text-lstm");
    const read = pane.read();
    (await next("read")).answer(reading(room.text));
    await read;
    return pane;
  };

  test("is not shown of a cut that was put back, nor of another text", async () => {
    const pane = await opened();
    void pane.toggleCut(1);
    const first = await next("cut");
    await pane.putBack();
    first.answer({ loss: 3 });
    await turns();
    expect(pane.without).toBeUndefined();
    void pane.toggleCut(0);
    const [second] = [await next("cut")];
    expect(second.given).toMatchObject({ units: [{ layer: 0, unit: 0 }] });
    void pane.hold("f", 1);
    const third = await next("cut");
    third.answer({ loss: 5 });
    second.answer({ loss: 4 });
    await turns();
    expect(pane.without).toEqual({ loss: 5 });
  });

  test("is not shown of places in another text", async () => {
    const pane = await opened();
    void pane.findNearest();
    const nearest = await next("nearest");
    room.text = "dcba";
    const read = pane.read();
    (await next("read")).answer(reading(room.text));
    await read;
    nearest.answer({ places: [], steps: 4 });
    await turns();
    expect(pane.nearest).toBeUndefined();
    void pane.findNearest();
    (await next("nearest")).answer({ places: [], steps: 9 });
    await expect.poll(() => pane.nearest).toEqual({ places: [], steps: 9 });
  });
});

test("an error of the gradient flow goes when there is an answer", async () => {
  const flow = new Flow();
  flow.view();
  (await next("flow")).fail(new Error("no worker"));
  await expect.poll(() => flow.error).toContain("no worker");
  flow.steps = 100;
  flow.view();
  const norms = { rnn: new Float64Array(3), lstm: new Float64Array(3), gru: new Float64Array(3) };
  (await next("flow")).answer(norms);
  await expect.poll(() => flow.norms).toBe(norms);
  expect(flow.error).toBeUndefined();
});

test("a model that cannot be saved is told", async () => {
  const saved = live.download();
  (await next("save")).fail(new Error("no training is under way"));
  await saved;
  expect(live.error).toContain("no training is under way");
});
