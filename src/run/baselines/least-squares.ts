/** Multiplications above which rows are subsampled. */
const MOST_WORK = 2e9;

/** Linear least squares: finds the matrix [n, m] that maps rows of n inputs to their m targets with the least squared error. */
export class LeastSquares {
  private readonly n: number;
  private readonly m: number;
  private readonly gram: Float64Array;
  private readonly right: Float64Array;

  constructor(n: number, m: number) {
    this.n = n;
    this.m = m;
    this.gram = new Float64Array(n * n);
    this.right = new Float64Array(n * m);
  }

  /** The stride at which so many rows are to be added. */
  strideOf(rows: number): number {
    return Math.max(1, Math.ceil((rows * this.n * (this.n + this.m)) / MOST_WORK));
  }

  add(row: ArrayLike<number>, targets: ArrayLike<number>): void {
    const { n, m, gram, right } = this;
    for (let i = 0; i < n; i++) {
      const x = row[i]!;
      for (let j = 0; j <= i; j++) gram[i * n + j]! += x * row[j]!;
      for (let h = 0; h < m; h++) right[i * m + h]! += x * targets[h]!;
    }
  }

  /** The matrix [n, m]. To be called once: it overwrites the sums. */
  solve(): Float64Array {
    const { n, m, gram, right } = this;
    // Neighbouring inputs are strongly correlated, and the last one may be always 0: a small ridge keeps the system positive definite.
    for (let i = 0; i < n; i++) gram[i * n + i]! += 1e-6 * (gram[i * n + i]! + 1);
    return solve(gram, right, n, m);
  }
}

/** X of A X = B for a positive definite A [n, n], of which the lower half is read and overwritten, and B [n, m], overwritten (Cholesky). */
export function solve(a: Float64Array, b: Float64Array, n: number, m: number): Float64Array {
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!;
      a[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-300)) : sum / a[j * n + j]!;
    }
  for (let c = 0; c < m; c++) {
    for (let i = 0; i < n; i++) {
      let sum = b[i * m + c]!;
      for (let k = 0; k < i; k++) sum -= a[i * n + k]! * b[k * m + c]!;
      b[i * m + c] = sum / a[i * n + i]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = b[i * m + c]!;
      for (let k = i + 1; k < n; k++) sum -= a[k * n + i]! * b[k * m + c]!;
      b[i * m + c] = sum / a[i * n + i]!;
    }
  }
  return b;
}
