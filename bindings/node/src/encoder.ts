/** MessagePack as the library reads it: docs/abi.md, "Format". */

const BIG_INT = 1;
const MIN_INT64 = -(1n << 63n);
const MAX_UINT64 = (1n << 64n) - 1n;
const LARGEST_KEPT = 1 << 20;

/** How deep the library lets values nest. */
export const MAX_DEPTH = 200;

/** A buffer that values are written to, one after the other. */
export class Encoder {
  /** What was written is at its beginning. */
  buffer = Buffer.allocUnsafeSlow(1 << 12);
  /** How many bytes were written. */
  length = 0;

  /** A copy of what was written. */
  bytes(): Uint8Array {
    return new Uint8Array(this.buffer.subarray(0, this.length));
  }

  /** Forgets what was written, and a buffer that has become large. */
  clear(): void {
    this.length = 0;
    if (this.buffer.length > LARGEST_KEPT) this.buffer = Buffer.allocUnsafeSlow(1 << 12);
  }

  /** Makes room for count more bytes; where they begin. */
  #room(count: number): number {
    const start = this.length;
    this.length += count;
    if (this.length > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.length, 2 * this.buffer.length));
      this.buffer.copy(larger, 0, 0, start);
      this.buffer = larger;
    }
    return start;
  }

  #byte(value: number): void {
    const at = this.#room(1);
    this.buffer[at] = value;
  }

  /** A head with a length: the codes for lengths of 8 (0: there is none), 16 and 32 bits. */
  #head(count: number, code8: number, code16: number, code32: number): void {
    if (code8 !== 0 && count < 0x100) {
      const at = this.#room(2);
      this.buffer[at] = code8;
      this.buffer[at + 1] = count;
    } else if (count < 0x10000) {
      const at = this.#room(3);
      this.buffer[at] = code16;
      this.buffer.writeUInt16BE(count, at + 1);
    } else {
      const at = this.#room(5);
      this.buffer[at] = code32;
      this.buffer.writeUInt32BE(count, at + 1);
    }
  }

  /** The head of a list of count values, which the caller writes. */
  list(count: number): void {
    if (count < 16) this.#byte(0x90 | count);
    else this.#head(count, 0, 0xdc, 0xdd);
  }

  /**
   * Any value, inside of depth others.
   *
   * @throws TypeError or RangeError for what cannot be passed; what was written until then is to be taken back.
   */
  value(value: unknown, depth = 0): void {
    switch (typeof value) {
      case "string":
        this.#text(value);
        break;
      case "number":
        this.#number(value);
        break;
      case "boolean":
        this.#byte(value ? 0xc3 : 0xc2);
        break;
      case "undefined":
        this.#byte(0xc0);
        break;
      case "bigint":
        this.#bigint(value);
        break;
      case "object":
        if (value === null) this.#byte(0xc0);
        else this.#object(value, depth);
        break;
      default:
        throw new TypeError(`a ${typeof value} cannot be passed to the sandbox`);
    }
  }

  #text(text: string): void {
    const count = text.length;
    if (count < 32 && this.#ascii(text, count)) return;
    if (!text.isWellFormed()) throw new TypeError("text with lone surrogates cannot be passed to the sandbox");
    const size = Buffer.byteLength(text);
    if (size < 32) this.#byte(0xa0 | size);
    else this.#head(size, 0xd9, 0xda, 0xdb);
    const at = this.#room(size);
    this.buffer.write(text, at, size, "utf8");
  }

  /** Writes a short text; false, and nothing is written, when it is not ASCII. */
  #ascii(text: string, count: number): boolean {
    const start = this.#room(count + 1);
    this.buffer[start] = 0xa0 | count;
    for (let i = 0; i < count; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) {
        this.length = start;
        return false;
      }
      this.buffer[start + 1 + i] = code;
    }
    return true;
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      const at = this.#room(9);
      this.buffer[at] = 0xcb;
      this.buffer.writeDoubleBE(value, at + 1);
    } else if (value >= 0) this.#positive(value);
    else this.#negative(value);
  }

  #positive(value: number): void {
    if (value < 0x80) this.#byte(value);
    else if (value < 0x1_0000_0000) {
      if (value < 0x100) this.#head(value, 0xcc, 0, 0);
      else this.#head(value, 0, 0xcd, 0xce);
    } else this.#bigint64(BigInt(value));
  }

  #negative(value: number): void {
    if (value >= -32) this.#byte(value & 0xff);
    else if (value >= -0x80) {
      const at = this.#room(2);
      this.buffer[at] = 0xd0;
      this.buffer.writeInt8(value, at + 1);
    } else if (value >= -0x8000) {
      const at = this.#room(3);
      this.buffer[at] = 0xd1;
      this.buffer.writeInt16BE(value, at + 1);
    } else if (value >= -0x8000_0000) {
      const at = this.#room(5);
      this.buffer[at] = 0xd2;
      this.buffer.writeInt32BE(value, at + 1);
    } else this.#bigint64(BigInt(value));
  }

  #bigint64(value: bigint): void {
    const at = this.#room(9);
    this.buffer[at] = value < 0n ? 0xd3 : 0xcf;
    this.buffer.writeBigUInt64BE(BigInt.asUintN(64, value), at + 1);
  }

  #bigint(value: bigint): void {
    const small = Number(value);
    if (Number.isSafeInteger(small)) this.#number(small);
    else if (value >= MIN_INT64 && value <= MAX_UINT64) this.#bigint64(value);
    else {
      const data = twosComplement(value);
      this.#head(data.length, 0xc7, 0xc8, 0xc9);
      this.#byte(BIG_INT);
      this.#raw(data);
    }
  }

  #raw(data: Uint8Array): void {
    const at = this.#room(data.length);
    this.buffer.set(data, at);
  }

  #object(value: object, depth: number): void {
    if (value instanceof Uint8Array || value instanceof ArrayBuffer) {
      const data = value instanceof Uint8Array ? value : new Uint8Array(value);
      this.#head(data.length, 0xc4, 0xc5, 0xc6);
      this.#raw(data);
      return;
    }
    if (depth >= MAX_DEPTH) {
      throw new RangeError(`a value nests deeper than ${MAX_DEPTH} levels, or contains itself`);
    }
    if (Array.isArray(value)) {
      const count = value.length; // which a getter might change meanwhile
      this.list(count);
      for (let i = 0; i < count; i++) this.value(value[i], depth + 1);
    } else if (value instanceof Map) this.#entries([...value], depth);
    else if ("toJSON" in value && typeof value.toJSON === "function") this.value(value.toJSON(), depth + 1);
    else {
      const tag = Object.prototype.toString.call(value);
      if (tag !== "[object Object]")
        throw new TypeError(`a value of type ${tag.slice(8, -1)} cannot be passed to the sandbox`);
      this.#entries(Object.entries(value), depth);
    }
  }

  #entries(entries: [unknown, unknown][], depth: number): void {
    const defined = entries.filter((entry) => entry[1] !== undefined);
    if (defined.length < 16) this.#byte(0x80 | defined.length);
    else this.#head(defined.length, 0, 0xde, 0xdf);
    for (const [key, item] of defined) {
      if (typeof key !== "string") throw new TypeError(`a key of type ${typeof key}: keys must be text`);
      this.#text(key);
      this.value(item, depth + 1);
    }
  }
}

/** An integer's bytes, big-endian, with as many as its sign needs. */
function twosComplement(value: bigint): Uint8Array {
  let digits = (value < 0n ? -value - 1n : value).toString(16);
  if (digits.length % 2 === 1) digits = "0" + digits;
  if (digits.charCodeAt(0) >= 0x38) digits = "00" + digits; // the first bit is the sign
  const data = Buffer.from(digits, "hex");
  if (value < 0n) for (let i = 0; i < data.length; i++) data[i] = ~data[i]!;
  return data;
}

const shared = new Encoder();

/**
 * A value as a message.
 *
 * @throws TypeError or RangeError for what is not null, undefined, boolean, number, bigint, text, bytes, list, plain object,
 *   Map with text keys, or something with toJSON.
 */
export function encode(value: unknown): Uint8Array {
  shared.clear();
  shared.value(value);
  return shared.bytes();
}
