import { answering } from "./answering.ts";
import { cells } from "./cells.ts";
import type { EffectTable } from "./effects.ts";
import { explaining } from "./explaining.ts";
import { importing } from "./importing.ts";
import { layers } from "./layers.ts";
import { loading } from "./loading.ts";
import { losses } from "./losses.ts";
import { models } from "./models.ts";
import { optimizers } from "./optimizers.ts";
import { programs } from "./programs.ts";
import { runFolders } from "./run-folders.ts";
import { running } from "./running.ts";
import { schedules } from "./schedules.ts";
import { tensors } from "./tensors.ts";
import { texts } from "./texts.ts";
import { trainings } from "./training.ts";
import { writing } from "./writing.ts";

export const effects: EffectTable = {
  ...{ ...answering, ...cells, ...explaining, ...importing, ...layers, ...loading, ...losses, ...models },
  ...{ ...optimizers, ...programs, ...runFolders, ...running, ...schedules, ...tensors, ...texts },
  ...{ ...trainings, ...writing },
};
