/** A length-delimited protobuf field of less than 2^28 bytes. */
export function delimited(tag: number, ...parts: Uint8Array[]): Buffer<ArrayBuffer> {
  const inner = Buffer.concat(parts)
  const length: number[] = []
  let rest = inner.length
  for (; rest >= 0x80; rest >>>= 7) length.push((rest & 0x7f) | 0x80)
  return Buffer.concat([Buffer.from([tag, ...length, rest]), inner])
}
