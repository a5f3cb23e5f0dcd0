import type { Calls, Reading, TrainingChoice, TrainingProgress, WorkerClient } from "longshort/worker";
import { explained } from "../explained.ts";
import { worker } from "../models.ts";
import { update } from "../update.ts";
import { chosen, type Data, nameOf, trainingChoice } from "./choice.ts";
import { dropTraining, keepTraining, keptTraining, leavePlace, takePlace } from "./kept.ts";

/** What is stored of a training under way. */
export interface Kept {
  readonly data: Data;
  readonly choice: TrainingChoice;
  readonly losses: Losses;
  readonly step: number;
  readonly snapshot: NonNullable<Calls["snapshot"]["back"]>;
}
type Losses = { step: number; loss: number; norm: number }[];

/** Milliseconds between two moments at which a training is stored. */
const KEEP_EVERY = 4000;
/** Points of the curves; of more every second is left out. */
const MOST_LOSSES = 4000;

/** The training of this page: what the worker says of it, and what an earlier visit left. */
class Live {
  state: "idle" | "running" | "paused" = "idle";
  facts: Calls["train"]["back"] | undefined;
  error: string | undefined;
  latest: TrainingProgress | undefined;
  sample = "";
  reading: Reading | undefined;
  losses: Losses = [];
  /** What an earlier visit left. */
  left: Kept | undefined;
  /** Whether it is kept for when the tab is closed; not while another tab trains. */
  keeps = true;
  /** What the running training was begun with. */
  private begun: TrainingChoice | undefined;
  private looked = false;
  private keeping: ReturnType<typeof setInterval> | undefined;

  get busy(): boolean {
    return this.state !== "idle";
  }

  async start(from?: Kept): Promise<void> {
    this.error = undefined;
    this.losses = from ? [...from.losses] : [];
    this.left = undefined;
    this.sample = "";
    [this.reading, this.latest] = [undefined, undefined];
    try {
      const client = this.listen();
      this.begun = from?.choice ?? trainingChoice();
      this.facts = await client.call("train", { ...this.begun, from: from?.snapshot });
      this.state = "running";
      clearInterval(this.keeping);
      this.keeps = await takePlace();
      this.keeping = setInterval(() => void this.store(), KEEP_EVERY);
    } catch (failed) {
      this.error = explained(failed);
      this.state = "idle";
      leavePlace();
    }
    update();
  }

  /** The worker, whose news come here. @throws Error where workers are refused */
  private listen(): WorkerClient {
    const client = worker();
    client.onProgress = (progress) => {
      this.latest = progress;
      const { step, loss, gradientNorm: norm } = progress;
      if (Number.isFinite(loss)) this.losses.push({ step, loss, norm });
      if (this.losses.length > MOST_LOSSES) this.losses = this.losses.filter((_, k) => k % 2 === 0);
      update();
      // In a frame of its own: curves and heat maps together would keep the page's thread for longer than one may notice.
      if (progress.sample !== undefined || progress.reading)
        requestAnimationFrame(() => {
          this.sample = progress.sample ?? this.sample;
          this.reading = progress.reading ?? this.reading;
          update();
        });
    };
    client.onEnd = (failed) => {
      this.state = "idle";
      clearInterval(this.keeping);
      leavePlace();
      if (failed) this.error = explained(failed);
      update();
    };
    return client;
  }

  /** What was chosen for a training that is gone on with. */
  goOn(kept: Kept): void {
    const { text: _text, probe: _probe, numbers: _numbers, ...settings } = kept.choice;
    chosen.data = kept.data;
    chosen.settings = settings;
    void this.start(kept);
  }

  /** What an earlier visit left is not wanted. */
  forget(): void {
    this.left = undefined;
    void dropTraining();
    update();
  }

  /** Looks once whether an earlier visit left a training. */
  look(): void {
    if (this.looked) return;
    this.looked = true;
    addEventListener("visibilitychange", () => document.visibilityState === "hidden" && void this.store());
    void keptTraining<Kept>().then((kept) => {
      if (kept && !this.busy) this.left = kept;
      update();
    });
  }

  async tell(call: "pause" | "resume" | "step" | "stop", next: Live["state"]): Promise<void> {
    try {
      if (call === "stop") {
        // First of all: the tab may be closed at once, and what is being stored just now must not come after.
        this.begun = undefined;
        clearInterval(this.keeping);
        if (this.keeps) await dropTraining();
      }
      await worker().call(call, {});
      this.state = next;
      if (call === "pause") void this.store();
    } catch (failed) {
      this.error = explained(failed);
    }
    update();
  }

  async rewind(step: number): Promise<void> {
    try {
      await worker().call("rewind", { step });
      this.state = "paused";
      this.losses = this.losses.filter((l) => l.step <= step);
      const { latest } = this;
      if (latest) this.latest = { ...latest, step, checkpoints: latest.checkpoints.filter((s) => s <= step) };
    } catch (failed) {
      this.error = explained(failed);
    }
    update();
  }

  /** Gives the model to the browser as a file. */
  async download(): Promise<void> {
    try {
      const bytes = await worker().call("save", {});
      const url = URL.createObjectURL(new Blob([bytes]));
      const name = `${nameOf(chosen.settings.cell)}-${this.latest?.step ?? 0}.safetensors`;
      Object.assign(document.createElement("a"), { href: url, download: name }).click();
      URL.revokeObjectURL(url);
    } catch (failed) {
      this.error = explained(failed);
      update();
    }
  }

  /** Stores the training as it is, for when the tab is closed. */
  private async store(): Promise<void> {
    if (!this.busy || !this.begun || !this.keeps) return;
    try {
      const snapshot = await worker().call("snapshot", {});
      const { begun: choice, losses } = this;
      if (snapshot && choice && this.busy)
        await keepTraining({
          ...{ data: chosen.data, choice, losses, step: this.latest?.step ?? 0, snapshot },
        } satisfies Kept);
    } catch {
      // It ended meanwhile.
    }
  }
}

export const live = new Live();
