export interface Wav {
  /** Samples a second. */
  readonly sampleRate: number;
  /** Between −1 and 1, the channels averaged. */
  readonly samples: Float32Array;
}

/**
 * Reads a WAV file: RIFF with PCM of 16 bits or numbers of 32.
 * @see Microsoft & IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991)
 */
export function readWav(bytes: Uint8Array): Wav {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || tag(0) !== "RIFF" || tag(8) !== "WAVE") throw new Error("this is no WAV file (RIFF … WAVE)");
  let format: { code: number; channels: number; sampleRate: number; bits: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [name, size] = [tag(at), view.getUint32(at + 4, true)];
    const start = at + 8;
    if (name === "fmt " && start + 16 <= bytes.length) {
      const [code, channels] = [view.getUint16(start, true), view.getUint16(start + 2, true)];
      format = { code, channels, sampleRate: view.getUint32(start + 4, true), bits: view.getUint16(start + 14, true) };
    }
    if (name === "data") {
      if (!format) throw new Error("the sound comes before its format");
      return {
        sampleRate: format.sampleRate,
        samples: mixed(view, start, Math.min(size, bytes.length - start), format),
      };
    }
    at = start + size + (size % 2);
  }
  throw new Error("the WAV file holds no sound (no data chunk)");
}

function mixed(
  view: DataView,
  start: number,
  size: number,
  { code, channels, bits }: { code: number; channels: number; bits: number },
): Float32Array {
  const pcm = code === 1 && bits === 16;
  if (!pcm && !(code === 3 && bits === 32))
    throw new Error(
      `expected PCM of 16 bits or floating point of 32, got format ${code} of ${bits} bits; convert the file first`,
    );
  if (channels < 1) throw new Error("a sound without channels");
  const width = bits / 8;
  const frames = Math.floor(size / (width * channels));
  return Float32Array.from({ length: frames }, (_, frame) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) {
      const at = start + (frame * channels + channel) * width;
      sum += pcm ? view.getInt16(at, true) / 32768 : view.getFloat32(at, true);
    }
    return sum / channels;
  });
}
