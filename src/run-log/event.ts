import { type MessageSpec, many, one } from "../formats/protobuf.ts";
import { writeMessage } from "../formats/protobuf-write.ts";

/*
 * The part of TensorBoard's messages that a training needs; numbers and types are those of TensorFlow's event.proto,
 * summary.proto, tensor.proto and tensor_shape.proto.
 */
const pluginData: MessageSpec = { pluginName: one(1, "string") };
const metadata: MessageSpec = { pluginData: one(1, () => pluginData), dataClass: one(4, "int") };
const dimension: MessageSpec = { size: one(1, "int") };
const tensorShape: MessageSpec = { dim: many(2, () => dimension) };
const tensor: MessageSpec = {
  dtype: one(1, "int"),
  tensorShape: one(2, () => tensorShape),
  stringVal: many(8, "string"),
};
const value: MessageSpec = {
  tag: one(1, "string"),
  simpleValue: one(2, "float"),
  tensor: one(8, () => tensor),
  metadata: one(9, () => metadata),
};
const summary: MessageSpec = { value: many(1, () => value) };
const sessionLog: MessageSpec = { status: one(1, "int") };
const event: MessageSpec = {
  wallTime: one(1, "double"),
  step: one(2, "int"),
  fileVersion: one(3, "string"),
  summary: one(5, () => summary),
  sessionLog: one(7, () => sessionLog),
};

const STRING_TENSOR = 7;
const TENSOR_CLASS = 2;
const SESSION_START = 1;

/** When something happened: seconds since 1970, and the number of updates before it. */
export interface Moment {
  readonly seconds: number;
  readonly step: number;
}

/** What every event file begins with. */
export const versionEvent = (seconds: number): Uint8Array =>
  writeMessage({ wallTime: seconds, fileVersion: "brain.Event:2" }, event);

/** Says that training begins (again) behind `step`: readers forget what they know of later steps. */
export const startEvent = ({ seconds, step }: Moment): Uint8Array =>
  writeMessage({ wallTime: seconds, step, sessionLog: { status: SESSION_START } }, event);

/** Numbers under their tags. */
export const scalarsEvent = ({ seconds, step }: Moment, scalars: Readonly<Record<string, number>>): Uint8Array =>
  writeMessage(
    {
      ...{ wallTime: seconds, step },
      summary: { value: Object.entries(scalars).map(([tag, simpleValue]) => ({ tag, simpleValue })) },
    },
    event,
  );

/** A text (Markdown) under a tag. */
export const textEvent = ({ seconds, step }: Moment, tag: string, text: string): Uint8Array =>
  writeMessage(
    {
      ...{ wallTime: seconds, step },
      summary: {
        value: [
          {
            tag,
            tensor: { dtype: STRING_TENSOR, tensorShape: { dim: [{ size: 1 }] }, stringVal: [text] },
            metadata: { pluginData: { pluginName: "text" }, dataClass: TENSOR_CLASS },
          },
        ],
      },
    },
    event,
  );
