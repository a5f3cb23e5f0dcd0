import type { Output } from "../../src/cli/io.ts";

export interface TextOutput extends Output {
  text: string;
}

/** An output that keeps what was written. */
export function textOutput({ isTTY = false, columns = 80 } = {}): TextOutput {
  return {
    isTTY,
    columns,
    text: "",
    async write(text) {
      this.text += text;
    },
  };
}
