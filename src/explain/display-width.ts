/** First and last code points of what terminals draw two columns wide. @see Unicode Standard Annex #11, East Asian Width */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
];

/** Drawn as a picture unless something else is said; the letters that make flags are one column each. */
const PICTURE = /^(?!\p{Regional_Indicator})\p{Emoji_Presentation}$/u;

const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

/** How many columns of a terminal `text` takes; control characters are not expected in it. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** As many characters from the start of `text` as fit into `columns`. */
export function cutToWidth(text: string, columns: number): string {
  let [width, length] = [0, 0];
  for (const character of text) {
    width += widthOf(character);
    if (width > columns) break;
    length += character.length;
  }
  return text.slice(0, length);
}

function widthOf(character: string): number {
  const code = character.codePointAt(0)!;
  if (code < 0x7f) return 1;
  if (NO_WIDTH.test(character)) return 0;
  return PICTURE.test(character) || WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}
