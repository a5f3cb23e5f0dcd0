import temml from "temml";

/** Lines of LaTeX as MathML, one line of text for each, and the LaTeX itself folded away. */
export function formulas(lines, aligned) {
  const latex = aligned(lines);
  const mathml = temml
    .renderToString(latex, { displayMode: true, throwOnError: true })
    // Aligned without a style sheet: a page of markdown has none.
    .replaceAll('class="tml-right" style="', 'style="text-align:right;')
    .replaceAll('class="tml-left" style="', 'style="text-align:left;')
    .replaceAll("<mtr>", "\n<mtr>")
    .replace("</mtable>", "\n</mtable>");
  return `<div>\n${mathml}\n</div>\n\n<details>\n<summary>LaTeX</summary>\n\n\`\`\`latex\n${latex}\n\`\`\`\n\n</details>`;
}

/** A formula within a sentence. */
export const formula = (latex) => temml.renderToString(latex, { throwOnError: true });
