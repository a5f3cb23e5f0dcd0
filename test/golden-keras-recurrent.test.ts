import { expect, test } from "vitest";
import { type KerasCase, keras2Cases, keras3Cases } from "./support/keras.ts";
import { runKerasOn } from "./support/keras-recurrent.ts";
import { describeOnMachines, type Opened } from "./support/machines.ts";
import { describeWithReferenceData } from "./support/reference-data.ts";

/*
 * Keras' own constants (Keras 3) and outputs (Keras 2, stored with six places). Tolerances are those of the files; on a
 * float32 machine its own is added.
 */
async function check(m: Opened, one: KerasCase): Promise<void> {
  const came = await runKerasOn(m.machine, one);
  const { data } = one.expected;
  expect(came).toHaveLength(data.length);
  const rounding = m.outputs * Math.max(...data.map(Math.abs));
  came.forEach((value, i) => {
    const near = one.atol + one.rtol * Math.abs(data[i]!) + rounding;
    expect(Math.abs(value - data[i]!), `element ${i}`).toBeLessThanOrEqual(near);
  });
}

describeWithReferenceData("Keras 3", "keras/keras3_cases.json", (file) => {
  describeOnMachines("its layers", (m) => {
    test.each(keras3Cases(file))("$name", (one) => check(m, one));
  });
});

describeWithReferenceData("Keras 2", "keras/keras2_cases.json", (file) => {
  describeOnMachines("its layers", (m) => {
    test.each(keras2Cases(file))("$name", (one) => check(m, one));
  });
});
