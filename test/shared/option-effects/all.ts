import { cells } from "./cells.ts";
import type { EffectTable } from "./effects.ts";
import { layers } from "./layers.ts";
import { losses } from "./losses.ts";
import { models } from "./models.ts";
import { optimizers } from "./optimizers.ts";
import { schedules } from "./schedules.ts";
import { tensors } from "./tensors.ts";

export const effects: EffectTable = {
  ...{ ...cells, ...layers, ...losses, ...models },
  ...{ ...optimizers, ...schedules, ...tensors },
};
