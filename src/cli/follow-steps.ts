import type { FigureSteps } from "./forecast-figure.ts";

/**
 * Shows the values of a step below each figure: the one under the pointer, or the one that a slider is moved to. It runs in the page and not
 * here: its text is put into the page, so it may use nothing from outside itself.
 */
export function followSteps(): void {
  for (const [index, figure] of document.querySelectorAll<HTMLElement>("figure[data-steps]").entries()) {
    const { first, apart, origin, words } = JSON.parse(figure.dataset.steps!) as FigureSteps;
    const plot = figure.querySelector(".plot")!;
    const svg = figure.querySelector<SVGSVGElement>(".steps")!;
    const cross = figure.querySelector(".cross")!;
    const line = figure.appendChild(document.createElement("div"));
    line.className = "reading";
    const slider = line.appendChild(document.createElement("input"));
    const reading = line.appendChild(document.createElement("output"));
    reading.id = `reading-${index}`;
    slider.type = "range";
    slider.max = String(words.length - 1);
    slider.value = String(origin);
    slider.setAttribute("aria-label", "step");
    const show = (visible: boolean): void => {
      const at = Number(slider.value);
      const x = String(first + at * apart);
      cross.setAttribute("x1", x);
      cross.setAttribute("x2", x);
      cross.setAttribute("visibility", visible ? "visible" : "hidden");
      reading.textContent = words[at]!;
      slider.setAttribute("aria-valuetext", words[at]!);
    };
    slider.addEventListener("input", () => show(true));
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const { x, width } = svg.viewBox.baseVal;
      const inside = x + ((event.clientX - box.left) / box.width) * width;
      slider.value = String(Math.round((inside - first) / apart));
      show(true);
    });
    show(false);
    // On a narrow screen the end is what matters.
    plot.scrollLeft = plot.scrollWidth;
  }
}
