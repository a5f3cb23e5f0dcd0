import { html, svg, type TemplateResult } from "lit";
import { say } from "../language.ts";

const [WIDTH, HEIGHT, STEPS] = [640, 130, 160];

let drawn: number[] | undefined;
let last: { readonly step: number; readonly value: number } | undefined;

/** A pad on which a series is drawn with the pointer; by keys it is typed into the field beside it. */
export function seriesPad(
  values: ArrayLike<number>,
  done: (values: readonly number[]) => void,
  update: () => void,
): TemplateResult {
  const shown = drawn ?? Array.from(values);
  const bound = Math.max(1, ...shown.map(Math.abs));
  const y = (v: number): number => HEIGHT / 2 - (v / bound) * (HEIGHT / 2 - 8);
  const n = Math.max(1, shown.length - 1);
  const points = shown.map((v, t) => `${((t / n) * WIDTH).toFixed(1)} ${y(v).toFixed(1)}`).join("L");
  const at = (event: PointerEvent): { step: number; value: number } => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const value = Math.min(1, Math.max(-1, 1 - (2 * (event.clientY - box.top)) / box.height));
    return { step: Math.round(share * (STEPS - 1)), value };
  };
  const down = (event: PointerEvent): void => {
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    const kept = shown.map((v) => v / bound);
    drawn = Array.from({ length: STEPS }, (_, t) => kept[Math.round((t / (STEPS - 1)) * (kept.length - 1))] ?? 0);
    last = undefined;
    move(event);
  };
  const move = (event: PointerEvent): void => {
    if (!drawn) return;
    const now = at(event);
    const before = last ?? now;
    const [from, to] = [before, now].sort((a, b) => a.step - b.step) as [typeof now, typeof now];
    for (let t = from.step; t <= to.step; t++)
      drawn[t] =
        from.step === to.step
          ? now.value
          : from.value + ((to.value - from.value) * (t - from.step)) / (to.step - from.step);
    last = now;
    update();
  };
  const up = (): void => {
    if (!drawn) return;
    const result = drawn;
    [drawn, last] = [undefined, undefined];
    done(result);
  };
  return html`<svg class="pad" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${say("A series; draw on it", "序列，可以直接在上面画")}
    @pointerdown=${down} @pointermove=${move} @pointerup=${up} @pointercancel=${up}>
    <path d="M0 ${HEIGHT / 2}H${WIDTH}" class="zero" />
    ${points ? svg`<path d="M${points}" class="drawn" />` : ""}
  </svg>`;
}
