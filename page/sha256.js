// SHA-256 (FIPS 180-4) of a file, in chunks. crypto.subtle accepts a whole message only, and a file of up to 1 GiB must
// not be held in memory at once.

const SHA256_K = new Int32Array(64);
const SHA256_START = new Int32Array(8);

// The constants are the first bits of the fractional parts of roots of primes, so they are computed here.
// A double holds more than the 32 bits that are used.
function fillSha256Constants() {
  const firstBits = (root) => ((root - Math.floor(root)) * 4294967296) | 0;
  let found = 0;
  for (let number = 2; found < 64; number++) {
    let isPrime = true;
    for (let divisor = 2; divisor * divisor <= number; divisor++) isPrime = isPrime && number % divisor !== 0;
    if (!isPrime) continue;
    if (found < 8) SHA256_START[found] = firstBits(Math.sqrt(number));
    SHA256_K[found++] = firstBits(Math.cbrt(number));
  }
}
fillSha256Constants();

class Sha256 {
  constructor() {
    this.state = SHA256_START.slice();
    this.words = new Int32Array(64);
    this.block = new Uint8Array(64);
    this.filled = 0;
    this.bytes = 0;
  }

  update(chunk) {
    this.bytes += chunk.length;
    let from = 0;
    if (this.filled > 0) {
      from = Math.min(64 - this.filled, chunk.length);
      this.block.set(chunk.subarray(0, from), this.filled);
      this.filled += from;
      if (this.filled < 64) return;
      this.compress(this.block, 0);
      this.filled = 0;
    }
    for (; from + 64 <= chunk.length; from += 64) this.compress(chunk, from);
    this.block.set(chunk.subarray(from));
    this.filled = chunk.length - from;
  }

  // The 32 bytes of the digest. Call it once, after the last update.
  digest() {
    const bits = this.bytes * 8;
    const end = new Uint8Array(this.filled < 56 ? 64 - this.filled : 128 - this.filled);
    const view = new DataView(end.buffer);
    end[0] = 0x80;
    view.setUint32(end.length - 8, Math.floor(bits / 4294967296));
    view.setUint32(end.length - 4, bits >>> 0);
    this.update(end);
    const digest = new DataView(new ArrayBuffer(32));
    this.state.forEach((word, index) => digest.setInt32(index * 4, word));
    return new Uint8Array(digest.buffer);
  }

  compress(bytes, from) {
    const words = this.words, constants = SHA256_K;
    for (let i = 0; i < 16; i++) {
      const at = from + 4 * i;
      words[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = words[i - 15];
      const y = words[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0;
    }
    // One variable for each word of the state: destructuring an array here takes most of the time.
    const state = this.state;
    let a = state[0], b = state[1], c = state[2], d = state[3];
    let e = state[4], f = state[5], g = state[6], h = state[7];
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + constants[i] + words[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t1) | 0;
      d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d;
    state[4] += e; state[5] += f; state[6] += g; state[7] += h;
  }
}

const HASH_CHUNK_BYTES = 4 * 1024 * 1024;

// The digest of a file, in hexadecimal digits. Between two chunks the browser stays responsive.
async function sha256OfFile(file, { onProgress = () => {}, signal } = {}) {
  const hash = new Sha256();
  for (let from = 0; from < file.size; from += HASH_CHUNK_BYTES) {
    if (signal?.aborted) throw new Failure("canceled");
    const content = file.slice(from, from + HASH_CHUNK_BYTES).arrayBuffer();
    const chunk = await content.catch(() => { throw new Failure("unreadable"); });
    hash.update(new Uint8Array(chunk));
    onProgress(Math.min(from + HASH_CHUNK_BYTES, file.size), file.size);
  }
  return Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
