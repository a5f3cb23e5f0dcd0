import { cells } from "./cells.ts";
import type { EffectTable } from "./effects.ts";
import { layers } from "./layers.ts";
import { losses } from "./losses.ts";
import { models } from "./models.ts";
import { optimizers } from "./optimizers.ts";
import { running } from "./running.ts";
import { schedules } from "./schedules.ts";
import { tensors } from "./tensors.ts";
import { texts } from "./texts.ts";
import { trainings } from "./training.ts";

export const effects: EffectTable = {
  ...{ ...cells, ...layers, ...losses, ...models },
  ...{ ...optimizers, ...running, ...schedules, ...tensors, ...texts, ...trainings },
};
