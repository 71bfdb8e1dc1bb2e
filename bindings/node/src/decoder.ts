/** MessagePack as the library writes it: docs/abi.md, "Format". Strict: what is not well-formed is an error. */

import { MAX_DEPTH } from "./encoder.js";

const BIG_INT = 1;
// V8 refuses integers of more than 2^30 bits.
const LARGEST_BIG_INT_BYTES = 1 << 26;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads values from bytes. */
export class Decoder {
  #data: Buffer;
  #at = 0;
  #end: number;
  #maxDepth: number;
  /** Why a value that was read is not what was sent, although its bytes are well-formed. */
  fault: RangeError | undefined;

  constructor(data: Uint8Array, length: number = data.length, maxDepth: number = MAX_DEPTH) {
    this.#data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.#end = length;
    this.#maxDepth = maxDepth;
  }

  /** Whether all bytes were read. */
  get done(): boolean {
    return this.#at === this.#end;
  }

  /** The head of a list: how many values follow. */
  listHead(): number {
    const code = this.#uint(1);
    if ((code & 0xf0) === 0x90) return code & 0x0f;
    if (code === 0xdc) return this.#count(2, 1);
    if (code === 0xdd) return this.#count(4, 1);
    throw new RangeError("not a message: no list");
  }

  /**
   * The next value, inside of depth others.
   *
   * @throws RangeError for bytes that are not well-formed.
   */
  value(depth = 0): unknown {
    const code = this.#uint(1);
    if (code < 0x80) return code;
    if (code >= 0xe0) return code - 0x100;
    if (code >= 0xa0 && code < 0xc0) return this.#text(code & 0x1f);
    if (code < 0x90) return this.#map(code & 0x0f, depth);
    if (code < 0xa0) return this.#list(code & 0x0f, depth);
    return this.#long(code, depth);
  }

  #long(code: number, depth: number): unknown {
    switch (code) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#bytes(this.#count(1 << (code - 0xc4), 1));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(this.#count(1 << (code - 0xc7), 1));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (code - 0xd4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#count(1 << (code - 0xd9), 1));
      case 0xdc:
      case 0xdd:
        return this.#list(this.#count(code === 0xdc ? 2 : 4, 1), depth);
      case 0xde:
      case 0xdf:
        return this.#map(this.#count(code === 0xde ? 2 : 4, 2), depth);
      default:
        return this.#number(code);
    }
  }

  #number(code: number): number | bigint {
    switch (code) {
      case 0xca:
        return this.#data.readFloatBE(this.#take(4));
      case 0xcb:
        return this.#data.readDoubleBE(this.#take(8));
      case 0xcc:
        return this.#uint(1);
      case 0xcd:
        return this.#uint(2);
      case 0xce:
        return this.#uint(4);
      case 0xcf:
        return narrow(this.#data.readBigUInt64BE(this.#take(8)));
      case 0xd0:
        return this.#data.readInt8(this.#take(1));
      case 0xd1:
        return this.#data.readInt16BE(this.#take(2));
      case 0xd2:
        return this.#data.readInt32BE(this.#take(4));
      case 0xd3:
        return narrow(this.#data.readBigInt64BE(this.#take(8)));
      default:
        throw new RangeError(`not a message: the byte ${code}`);
    }
  }

  /** Goes on by count bytes; where they begin. */
  #take(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) throw new RangeError("not a message: it is cut off");
    this.#at = at + count;
    return at;
  }

  #uint(size: number): number {
    const at = this.#take(size);
    if (size === 1) return this.#data[at]!;
    return size === 2 ? this.#data.readUInt16BE(at) : this.#data.readUInt32BE(at);
  }

  /** A length of size bytes, of things that take each bytes at least: no more than what is there. */
  #count(size: number, each: number): number {
    const count = this.#uint(size);
    if (count * each > this.#end - this.#at) throw new RangeError("not a message: it is cut off");
    return count;
  }

  #text(count: number): string {
    const start = this.#take(count);
    if (count < 24) {
      let text = "";
      let i = start;
      for (; i < this.#at; i++) {
        const byte = this.#data[i]!;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (i === this.#at) return text;
    }
    try {
      return utf8.decode(this.#data.subarray(start, this.#at));
    } catch {
      throw new RangeError("not a message: text that is not UTF-8");
    }
  }

  #bytes(count: number): Uint8Array {
    const start = this.#take(count);
    return new Uint8Array(this.#data.subarray(start, this.#at));
  }

  #list(count: number, depth: number): unknown[] {
    this.#deeper(depth);
    const list: unknown[] = [];
    for (let i = 0; i < count; i++) list.push(this.value(depth + 1));
    return list;
  }

  #map(count: number, depth: number): Record<string, unknown> {
    this.#deeper(depth);
    const map: Record<string, unknown> = {};
    for (let i = 0; i < count; i++) {
      const key = this.value(depth + 1);
      if (typeof key !== "string") throw new RangeError("not a message: a key that is not text");
      const value = this.value(depth + 1);
      if (key === "__proto__")
        Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
      else map[key] = value;
    }
    return map;
  }

  #deeper(depth: number): void {
    if (depth >= this.#maxDepth) throw new RangeError(`not a message: it nests deeper than ${this.#maxDepth} levels`);
  }

  #extension(count: number): unknown {
    const kind = this.#uint(1);
    const start = this.#take(count);
    if (kind !== BIG_INT || count === 0) throw new RangeError(`not a message: extension ${kind}`);
    if (count > LARGEST_BIG_INT_BYTES) {
      this.fault = new RangeError("an integer is too large for JavaScript");
      return null;
    }
    const digits = this.#data.toString("hex", start, this.#at);
    return narrow(BigInt.asIntN(8 * count, BigInt("0x" + digits)));
  }
}

/** A number where that loses nothing, else the bigint. */
function narrow(value: bigint): number | bigint {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

/**
 * The value of a message.
 *
 * @throws RangeError for bytes that are not exactly one well-formed value.
 */
export function decode(data: Uint8Array): unknown {
  const decoder = new Decoder(data);
  const value = decoder.value();
  if (!decoder.done) throw new RangeError("not a message: bytes are left over");
  if (decoder.fault !== undefined) throw decoder.fault;
  return value;
}
