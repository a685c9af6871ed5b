/** From this length on the native `set` is faster than a loop. */
const MIN_NATIVE_BYTES = 400

/**
 * Copies eight bytes at a time: for attributes of 4 to 60 bytes a loop over bytes takes four times
 * as long (1.7 ns a byte). V8 keeps the words in registers and allocates no BigInt. The last word
 * overlaps the one before it. See docs/adr/0022-word-wise-copies.md.
 */
export function copyBytes(source: DataView, start: number, target: DataView, at: number, length: number): void {
  if (length >= MIN_NATIVE_BYTES) toBytes(target, at, length).set(toBytes(source, start, length))
  else if (length >= 8) {
    const last = length - 8
    for (let i = 0; i < last; i += 8) target.setBigUint64(at + i, source.getBigUint64(start + i, true), true)
    target.setBigUint64(at + last, source.getBigUint64(start + last, true), true)
  } else if (length >= 4) {
    const last = length - 4
    target.setUint32(at, source.getUint32(start, true), true)
    target.setUint32(at + last, source.getUint32(start + last, true), true)
  } else for (let i = 0; i < length; i++) target.setUint8(at + i, source.getUint8(start + i))
}

export function toDataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function toBytes(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length)
}
