import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Forms, fitting, taskLine, textLine } from "../../src/cli/epoch-line.ts";
import { ProgressDisplay } from "../../src/cli/progress.ts";
import type { EpochEvent, EvaluationEvent } from "../../src/train/events.ts";
import { textOutput } from "./fake-output.ts";

const epoch: EpochEvent = {
  ...{ type: "epoch", epoch: 3, step: 120, trainLoss: 1.90163, seconds: 12.34, best: true },
  ...{ validationLoss: 1.7711, metrics: { loss: 1.7711 } },
};
const evaluation: EvaluationEvent = { type: "evaluation", epoch: 1, step: 1200, validationLoss: 1.7711, best: true };

describe("the line after an epoch", () => {
  test.each<[number, string]>([
    [200, "epoch 3/10: loss 1.9016 nats per token, validation 1.7711 (perplexity 5.88), 12.3 s"],
    [80, "epoch 3/10: loss 1.9016, validation 1.7711 (perplexity 5.88), 12.3 s"],
    [60, "epoch 3/10: loss 1.9016, validation 1.7711"],
    [40, "3/10: loss 1.9016, validation 1.7711"],
    [36, "3/10: 1.9016, validation 1.7711"],
    [5, "3/10: 1.9016, validation 1.7711"],
  ])("of a language model at %d columns", (columns, line) => {
    expect(fitting(textLine(epoch, 10), columns)).toBe(line);
  });

  test.each<[number, string]>([
    [100, "epoch 3/10: loss 1.9016, validation 1.7711, accuracy 91.2%, macro-F1 90.1%, 12.3 s"],
    [80, "epoch 3/10: loss 1.9016, validation 1.7711, accuracy 91.2%, macro-F1 90.1%"],
    [60, "epoch 3/10: loss 1.9016, accuracy 91.2%, macro-F1 90.1%"],
    [42, "epoch 3/10: loss 1.9016, accuracy 91.2%"],
    [39, "epoch 3/10: accuracy 91.2%"],
  ])("of a classifier at %d columns", (columns, line) => {
    expect(fitting(taskLine(epoch, 10, ["accuracy 91.2%", "macro-F1 90.1%"]), columns)).toBe(line);
  });

  test("in the midst of an epoch says after which step, and without a validation nothing of it", () => {
    expect(textLine(evaluation, 1)[0]).toBe("after step 1,200: validation 1.7711 nats per token (perplexity 5.88)");
    expect(taskLine(evaluation, 1, ["RMSE 0.5"])[0]).toBe("after step 1,200: validation 1.7711, RMSE 0.5");
    const { validationLoss: _, metrics: __, ...bare } = epoch;
    expect(textLine(bare, 10)[0]).toBe("epoch 3/10: loss 1.9016 nats per token, 12.3 s");
    expect(taskLine(bare, 10, []).at(-1)).toBe("epoch 3/10: loss 1.9016");
  });

  test("fits every width from 40 to 200, with the numbers that trainings have", () => {
    const epochs = fc.integer({ min: 1, max: 999 });
    const loss = fc.double({ min: -9, max: 99.9, noNaN: true });
    const seconds = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 40, max: 200 }), epochs, loss, loss, seconds, (columns, n, a, b, seconds) => {
        const event = { ...epoch, epoch: n, trainLoss: a, validationLoss: b, seconds };
        const lines: Forms[] = [
          ...[textLine(event, n), taskLine(event, n, []), taskLine(event, n, ["accuracy 91.2%", "macro-F1 90.1%"])],
          ...[textLine({ ...evaluation, validationLoss: b }, n), taskLine({ ...evaluation, validationLoss: b }, n, [])],
        ];
        for (const forms of lines) expect(fitting(forms, columns).length).toBeLessThan(columns);
      }),
    );
  });

  test("is whole in a log and on a pipe", () => {
    const forms = textLine(epoch, 10);
    for (const live of [true, false]) {
      const out = textOutput({ isTTY: live, columns: 40 });
      const display = new ProgressDisplay({ out, live, now: () => 0 });
      const kept: string[] = [];
      display.keep((line) => kept.push(line));
      display.say(forms);
      expect(kept).toEqual([forms[0]]);
      expect(out.text).toBe(`${live ? fitting(forms, 40) : forms[0]}\n`);
    }
  });
});
