/** What `withData` wrote, from its two files; runs in a page too. @param {string} json @param {ArrayBuffer} buffer */
export function unpack(json, buffer) {
  const { tensors: list, ...c } = JSON.parse(json);
  const view = ({ type, offset, length }) => new (type === "int32" ? Int32Array : Float32Array)(buffer, offset, length);
  return { c, numbers: Object.fromEntries(list.map((t) => [t.name, { shape: t.shape, data: view(t) }])) };
}
