/** What figures share: text that is text, colours that follow the reader's light or dark page. */

const escaped = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** @param {{ x: number, y: number, class?: string, anchor?: "start" | "middle" | "end" }} place */
export const text = (content, { x, y, class: name = "", anchor = "start" }) =>
  `<text x="${round(x)}" y="${round(y)}" class="${name}" text-anchor="${anchor}">${escaped(content)}</text>`;

export const round = (value) => Math.round(value * 100) / 100;

/** A picture of its own; `description` is what a reader hears who does not see it. */
export function picture({ width, height, title, description, body }) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">${escaped(title)}</title>
<desc id="description">${escaped(description)}</desc>
<style>
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 15px; }
  .note { font-size: 12px; fill: #59636e; }
  .ours { fill: #0969da; } .ours2 { fill: #54aeff; } .peer { fill: #9aa4af; }
  .line { fill: none; stroke: #0969da; stroke-width: 2; } .formula { fill: none; stroke: #9aa4af; stroke-width: 1.5; stroke-dasharray: 5 4; }
  .axis { stroke: #d1d9e0; stroke-width: 1; } .even { stroke: #59636e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .note { fill: #9198a1; }
    .ours { fill: #4493f8; } .ours2 { fill: #1f4f8f; } .peer { fill: #656c76; }
    .line { stroke: #4493f8; } .formula { stroke: #656c76; } .axis { stroke: #3d444d; } .even { stroke: #9198a1; }
  }
</style>
${body.join("\n")}
</svg>
`;
}
