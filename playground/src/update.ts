let draw: () => void = () => undefined;
let asked = false;

/** What draws the whole page; lit changes only what differs. */
export function onUpdate(render: () => void): void {
  draw = render;
}

/** Asks for one drawing at the next frame, however often it is called. */
export function update(): void {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    draw();
  });
}
