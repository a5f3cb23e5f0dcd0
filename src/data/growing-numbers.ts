/** A growing list of numbers: 8 bytes each, at most twice that while it grows. */
export class GrowingNumbers {
  private all = new Float64Array(16);
  /** How many there are. */
  length = 0;

  push(value: number): void {
    if (this.length === this.all.length) {
      const more = new Float64Array(2 * this.length);
      more.set(this.all);
      this.all = more;
    }
    this.all[this.length++] = value;
  }

  at(k: number): number {
    return this.all[k]!;
  }

  /** A view of all of them, for as long as none is added. */
  values(): Float64Array {
    return this.all.subarray(0, this.length);
  }
}
