/** Octets put one behind the other, in memory that is used again for the next letter. */
export class Octets {
  length = 0;
  private memory = Buffer.allocUnsafeSlow(octetsAtFirst);

  /** Forgets what it holds, and memory that only a very large letter needs. */
  clear(): void {
    this.length = 0;
    if (this.memory.length > octetsKept) this.memory = Buffer.allocUnsafeSlow(octetsAtFirst);
  }

  /** Adds text of one character an octet. */
  text(octets: string): void {
    this.makeRoom(octets.length);
    this.length += this.memory.write(octets, this.length, 'latin1');
  }

  add(octets: Uint8Array): void {
    this.makeRoom(octets.length);
    this.memory.set(octets, this.length);
    this.length += octets.length;
  }

  /** What it holds; good until it is changed. */
  view(): Buffer {
    return this.memory.subarray(0, this.length);
  }

  /** Makes sure that so many more find room without what is here being copied again. */
  makeRoom(more: number): void {
    if (this.length + more <= this.memory.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.memory.length * 2, this.length + more));
    this.memory.copy(larger, 0, 0, this.length);
    this.memory = larger;
  }
}
const octetsAtFirst = 32 * 1024;
const octetsKept = 512 * 1024;
