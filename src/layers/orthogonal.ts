/**
 * The orthogonal factor of a matrix of independent normal numbers, distributed uniformly (Haar): QR by Householder
 * reflections in float64, with the signs of R's diagonal moved into Q, without which the distribution would be biased.
 *
 * @param gaussian n·m numbers: column j of the [m, n] matrix is `[j·m, (j+1)·m)`; overwritten. m ≥ n.
 * @returns Q, laid out likewise: n orthonormal columns of length m
 * @see Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks"
 *   (2014), arXiv:1312.6120; Mezzadri, "How to generate random matrices from the classical compact groups" (2007),
 *   arXiv:math-ph/0609050
 */
export function orthonormalColumns(gaussian: Float64Array, m: number, n: number): Float64Array {
  const column = (j: number): Float64Array => gaussian.subarray(j * m, (j + 1) * m);
  const diagonal = new Float64Array(n);
  // Forward: column k becomes the reflection vector v_k (zero above k, of length √2), which maps it to a multiple of e_k.
  for (let k = 0; k < n; k++) {
    const v = column(k);
    const norm = Math.sqrt(dot(v, v, k));
    const sign = v[k]! < 0 ? -1 : 1;
    diagonal[k] = -sign * norm;
    v[k]! += sign * norm;
    const scale = Math.sqrt(2 / dot(v, v, k));
    for (let i = k; i < m; i++) v[i]! *= scale;
    for (let j = k + 1; j < n; j++) reflect(column(j), v, k);
  }
  // Backward: Q = (reflection 0) … (reflection n−1) applied to the first n unit vectors.
  const q = new Float64Array(n * m);
  for (let j = 0; j < n; j++) {
    const target = q.subarray(j * m, (j + 1) * m);
    target[j] = diagonal[j]! < 0 ? -1 : 1;
    for (let k = j; k >= 0; k--) reflect(target, column(k), k);
  }
  return q;
}

/** x −= v (v·x), with v zero before `from` and |v|² = 2. */
function reflect(x: Float64Array, v: Float64Array, from: number): void {
  const factor = dot(x, v, from);
  for (let i = from; i < x.length; i++) x[i]! -= factor * v[i]!;
}

function dot(a: Float64Array, b: Float64Array, from: number): number {
  let sum = 0;
  for (let i = from; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
