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

describe("a pane", () => {
  /** Two units in each of two layers: of c the second one moves more slowly, from the 20 steps on that it has. */
  const readOf = (text: string) => ({
    ...reading(text),
    values: [0, 1].flatMap((layer) =>
      ["f", "c", "h"].map((name) => {
        const at = (k: number) => Math.sin((k % 2 ? 0.2 : 2) * (k >> 1));
        return { name, layer, units: 2, data: Float32Array.from({ length: 2 * text.length }, (_, k) => at(k)) };
      }),
    ),
  });
  const facts = { id: 5, reads: "text", layers: ["l0", "l1"], channels: 1, names: ["f", "c", "h"] } as never;
  const opened = async (asked?: Pane["asked"]): Promise<Pane> => {
    room.text = "abcdefghijklmnopqrstuvwxyz";
    const pane = Object.assign(new Pane("own"), { facts, asked });
    void pane.read();
    expect([pane.busy, pane.error]).toEqual([true, undefined]);
    const { given, answer } = await next("read");
    expect(given).toEqual({ id: 5, text: room.text });
    answer(readOf(room.text));
    await expect.poll(() => pane.reading).toBeDefined();
    return pane;
  };

  test("shows what is kept first, of the last layer, at the slowest unit; the next text at the same place", async () => {
    const pane = await opened();
    await expect.poll(() => pane.busy).toBe(false);
    expect([pane.layer, pane.order, pane.moved]).toEqual([1, [1, 0], false]);
    expect(pane.bands.map(({ name, units, title }) => [name, units, title])).toEqual([
      ["c", 2, "c  cell state"],
      ["h", 2, "h  hidden state"],
      ["f", 2, "f  forget gate"],
    ]);
    expect(pane.place).toEqual({ band: 0, unit: 1, step: 18 });
    expect(pane.pace).toBeDefined();
    expect(asked).toEqual([]);
    pane.look({ band: 2, unit: 0, step: 17 });
    expect(pane.moved).toBe(true);
    room.text = "ab";
    void pane.read();
    (await next("read")).answer(readOf(room.text));
    await expect.poll(() => pane.place).toEqual({ band: 2, unit: 0, step: 1 });
    // Of two steps nothing can be said of a pace.
    expect([pane.layer, pane.pace]).toEqual([1, undefined]);
    room.text = "";
    await pane.read();
    expect([pane.error, pane.busy]).toEqual(["Type or paste some text first.", false]);
  });

  test("goes where an address asks, cuts and holds what there is of it, and gives back what is put back", async () => {
    const hold = [
      { gate: "f", value: 1 },
      { gate: "x", value: 0 },
    ];
    const pane = await opened({ layer: 0, value: "f", unit: 0, step: 2, cut: [1, 9], hold });
    const held = { layer: 0, gate: "f", value: 1 };
    const cut = await next("cut");
    expect(cut.given).toEqual({ id: 5, text: room.text, units: [{ layer: 0, unit: 1 }], gates: [held] });
    cut.answer({ loss: 3 });
    await expect.poll(() => pane.without).toEqual({ loss: 3 });
    expect([pane.layer, pane.place, pane.moved]).toEqual([0, { band: 2, unit: 0, step: 2 }, true]);
    void pane.hold("f", 0);
    expect((await next("cut")).given).toMatchObject({ gates: [{ ...held, value: 0 }] });
    void pane.toggleCut(1);
    expect((await next("cut")).given).toMatchObject({ units: [], gates: [{ ...held, value: 0 }] });
    // With nothing cut and nothing held there is nothing to ask.
    await pane.hold("f", undefined);
    expect([asked, pane.without, pane.cut.size, pane.gates]).toEqual([[], undefined, 0, []]);
    void pane.toggleCut(0);
    (await next("cut")).answer({ loss: 4 });
    await expect.poll(() => pane.without).toEqual({ loss: 4 });
    await pane.putBack();
    expect([pane.without, pane.cut.size]).toEqual([undefined, 0]);
    const beyond = await opened({ layer: 7, value: "q", unit: 2, step: 26, cut: [], hold: [] });
    expect([beyond.layer, beyond.place]).toEqual([1, { band: 0, unit: 1, step: 18 }]);
  });

  test("looks for places like the one that is looked at, in what is read or in a file, and says what failed", async () => {
    const pane = await opened();
    pane.look({ band: 0, unit: 1, step: 4 });
    const like = { id: 5, text: room.text, step: 4, layer: 1, count: 6 };
    void pane.findNearest();
    expect((await next("nearest")).given).toEqual(like);
    void pane.findNearest(new File(["corpus"], "c.txt"));
    const other = await next("nearest");
    expect(other.given).toEqual({ ...like, corpus: { text: "corpus" } });
    other.fail(new Error("no place"));
    await expect.poll(() => pane.error).toBe("no place");
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
  const { given, answer } = await next("flow");
  const cells = ["rnn", "lstm", "gru"];
  expect(given).toEqual({ cells, hiddenSize: 24, steps: 100, scale: 1, forgetBias: 3, seed: 1 });
  answer(norms);
  await expect.poll(() => flow.norms).toBe(norms);
  expect(flow.error).toBeUndefined();
});

test("a model that cannot be saved is told", async () => {
  const saved = live.download();
  (await next("save")).fail(new Error("no training is under way"));
  await saved;
  expect(live.error).toContain("no training is under way");
});
