import { html, type nothing, type TemplateResult } from "lit";
import { unsafeHTML } from "lit/directives/unsafe-html.js";
import { update } from "../update.ts";

let toMathML: ((latex: string) => string) | undefined;
let asked = false;

/** A formula of the library's printer as MathML. What turns one into the other is loaded when the first is shown. */
export function formula(latex: string): TemplateResult | typeof nothing {
  if (!asked) {
    asked = true;
    import("temml").then(({ default: temml }) => {
      // The text is the printer's own, not a visitor's.
      toMathML = (text) => temml.renderToString(text, { throwOnError: false });
      update();
    });
  }
  return toMathML
    ? html`<span class="formula">${unsafeHTML(toMathML(latex))}</span>`
    : html`<span class="formula"></span>`;
}
