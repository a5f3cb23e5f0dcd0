// One step of a GRU, frame after frame: in Node, and in the audio worklet of a page.
import { compile, createParameters, Graph, gru, layoutParameters, linear, openMachine, recurrent } from "longshort";

const SAMPLES = 128;

/** @returns {Promise<(frame: ArrayLike<number>, scores: Float32Array) => void>} */
async function openStep() {
  const machine = await openMachine("wasm", { fused: false });
  const [rnn, head] = [
    recurrent({ cell: gru(), inputSize: SAMPLES, hiddenSize: 24 }),
    linear({ inputSize: 24, outputSize: 3 }),
  ];
  const parameters = await createParameters({ machine, layout: layoutParameters({ parts: { rnn, head } }), seed: 1 });
  const graph = new Graph({ machine, parameters: parameters.layout });
  const state = graph.state("h", [1, 1, 24]);
  const { output, final } = rnn.forward(graph.input("frame", [1, 1, SAMPLES]), { initial: { h: state } });
  graph.output("scores", head.forward(output));
  graph.copy(final.h.range, state.range);
  const step = await compile(graph, { machine, arenas: parameters.arenas });
  return (frame, scores) => {
    step.write("frame", frame);
    step.run();
    step.readInto("scores", scores);
  };
}

const frame = (k) => Float32Array.from({ length: SAMPLES }, (_, n) => Math.fround(((n * (k + 3)) % 17) / 17 - 0.5));

/** The scores after `frames` frames. */
export async function lastScores(frames) {
  const step = await openStep();
  const scores = new Float32Array(3);
  for (let k = 0; k < frames; k++) step(frame(k), scores);
  return Array.from(scores);
}

if (globalThis.registerProcessor)
  registerProcessor(
    "scores",
    class extends AudioWorkletProcessor {
      constructor({ processorOptions }) {
        super();
        [this.frames, this.done] = [processorOptions.frames, 0];
        this.scores = new Float32Array(3);
        openStep().then(
          (step) => {
            this.step = step;
            this.port.postMessage("ready");
          },
          (error) => this.port.postMessage(String(error.stack)),
        );
      }
      process() {
        if (!this.step || this.done === this.frames) return true;
        this.step(frame(this.done++), this.scores);
        if (this.done === this.frames) this.port.postMessage(Array.from(this.scores));
        return true;
      }
    },
  );
