/**
 * Compares two byte ranges of equal length, eight bytes at a time. V8 keeps `getBigInt64` values in
 * registers, but allocates BigInts to compare those of `getBigUint64`. Starts at the end, because
 * similar strings share prefixes.
 */
export function bytesEqual(a: DataView, aAt: number, b: DataView, bAt: number, length: number): boolean {
  if (length >= 8) {
    for (let i = length - 8; i > 0; i -= 8) {
      if (a.getBigInt64(aAt + i, true) !== b.getBigInt64(bAt + i, true)) return false
    }
    return a.getBigInt64(aAt, true) === b.getBigInt64(bAt, true)
  }
  if (length >= 4) {
    const last = length - 4
    return (
      a.getInt32(aAt + last, true) === b.getInt32(bAt + last, true) && a.getInt32(aAt, true) === b.getInt32(bAt, true)
    )
  }
  for (let i = 0; i < length; i++) if (a.getUint8(aAt + i) !== b.getUint8(bAt + i)) return false
  return true
}
