import { FailureError } from "../../shared/errors.ts";

/** Every refusal of a PyTorch file; the reader puts the name of the file before it. */
export function refuse(why: string, cause?: unknown): never {
  throw new FailureError("bad-pytorch", why, { cause });
}

/** Text from a file, for a message: quoted and not longer than one line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}
