import { html, type TemplateResult } from "lit";
import { formatPower } from "longshort/components";
import { explained } from "../explained.ts";
import { say } from "../language.ts";
import { worker } from "../models.ts";
import { update } from "../update.ts";
import { curves } from "./curves.ts";

const CELLS = ["rnn", "lstm", "gru"] as const;
const COLOURS = { rnn: "var(--cell-rnn)", lstm: "var(--cell-lstm)", gru: "var(--cell-gru)" } as const;
const DASHES = { rnn: "", lstm: "", gru: "7 4" } as const;
const UNITS = 24;

/** What is left of a gradient; 0 is what float32 makes of everything that is smaller. */
const shownLeft = (norm: number): string => (norm === 0 ? `< ${formatPower(2 ** -149)}` : formatPower(norm));

/** How far back gradients reach, of the three cells at once. */
export class Flow {
  steps = 200;
  scale = 1;
  forgetBias = 3;
  clip = false;
  norms?: Readonly<Record<string, Float64Array>>;
  error?: string | undefined;
  private asked = "";
  private timer: ReturnType<typeof setTimeout> | undefined;

  private ask(): void {
    const key = `${this.steps} ${this.scale} ${this.forgetBias}`;
    if (key === this.asked) return;
    this.asked = key;
    clearTimeout(this.timer);
    this.timer = setTimeout(
      async () => {
        try {
          const { steps, scale, forgetBias } = this;
          const norms = await worker().call("flow", {
            cells: CELLS,
            hiddenSize: UNITS,
            steps,
            scale,
            forgetBias,
            seed: 1,
          });
          if (key === this.asked) [this.norms, this.error] = [norms, undefined];
        } catch (error) {
          if (key === this.asked) this.error = explained(error);
        }
        update();
      },
      this.norms ? 120 : 0,
    );
  }

  /** Clipping scales a gradient that is too long to the length allowed, as a whole. */
  private clipped(norms: Float64Array): Float64Array {
    const longest = norms.reduce((a, b) => Math.max(a, b), 0);
    return this.clip && longest > 1 ? norms.map((v) => v / longest) : norms;
  }

  view(
    controls: readonly ("scale" | "bias" | "steps" | "clip")[] = ["scale", "bias", "steps", "clip"],
  ): TemplateResult {
    this.ask();
    const { norms } = this;
    const slider = (
      label: string,
      value: number,
      bounds: readonly [number, number, number],
      set: (v: number) => void,
    ): TemplateResult =>
      html`<label>${label} <output>${value}</output><input type="range" min=${bounds[0]} max=${bounds[1]} step=${bounds[2]} .value=${String(value)} @input=${(
        e: Event,
      ) => {
        set(Number((e.target as HTMLInputElement).value));
        update();
      }} /></label>`;
    return html`<div class="flow">
      <div class="controls">
        ${controls.includes("scale") ? slider(say("Weights ×", "权重 ×"), this.scale, [0.5, 6, 0.1], (v) => (this.scale = v)) : ""}
        ${controls.includes("bias") ? slider(say("Bias of the keeping gate (f, z)", "保留门（f、z）的偏置"), this.forgetBias, [-2, 5, 0.5], (v) => (this.forgetBias = v)) : ""}
        ${controls.includes("steps") ? slider(say("Steps", "步数"), this.steps, [20, 400, 20], (v) => (this.steps = v)) : ""}
        ${
          controls.includes("clip")
            ? html`<label class="check"><input type="checkbox" .checked=${this.clip} @change=${(e: Event) => {
                this.clip = (e.target as HTMLInputElement).checked;
                update();
              }} /> ${say("clip the gradient to length 1", "把梯度裁剪到长度 1")}</label>`
            : ""
        }
      </div>
      ${this.error ? html`<p class="error" role="alert">${this.error}</p>` : ""}
      ${
        norms
          ? curves({
              label: say("Length of the gradient at each step back from the last", "从最后一步往回，各步梯度的长度"),
              curves: CELLS.map((cell) => ({
                label: cell.toUpperCase(),
                colour: COLOURS[cell],
                dash: DASHES[cell],
                values: this.clipped(norms[cell]!).toReversed(),
              })),
              ...{ logarithmic: true, xLabel: say("steps back", "往回的步数"), yLabel: "‖∂L/∂hₜ‖" },
              y: [
                Math.max(1e-24, Math.min(1e-6, ...CELLS.map((c) => this.clipped(norms[c]!)[0]!))),
                Math.max(10, ...CELLS.flatMap((c) => Array.from(this.clipped(norms[c]!)))),
              ],
            })
          : html`<div class="placeholder" aria-busy="true">${say("Computing…", "正在计算……")}</div>`
      }
      ${norms ? html`<p class="figures">${CELLS.map((cell) => html`<span class="figure" data-flow=${cell} data-value=${norms[cell]![0]!}>${cell.toUpperCase()} <b>${shownLeft(this.clipped(norms[cell]!)[0]!)}</b></span>`)} <span class="hint">${say(`left of it after ${this.steps} steps`, `${this.steps} 步之后还剩`)}</span></p>` : ""}
    </div>`;
  }
}
