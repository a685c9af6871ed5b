import { toDataView } from '../../../runtime/copy-bytes.ts'

/** A cursor over RowBinary rows. Reads past the end return zeros: call `checkBounds` after them. */
export class RowCursor {
  bytes: Buffer = Buffer.alloc(0)
  view: DataView = toDataView(this.bytes)
  pos = 0

  reset(bytes: Buffer): void {
    this.bytes = bytes
    this.view = toDataView(bytes)
    this.pos = 0
  }

  varint(): number {
    const bytes = this.bytes
    let byte = bytes[this.pos++] as number
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 28) throw new RangeError(`length at byte ${this.pos} is longer than 32 bits`)
      byte = bytes[this.pos++] as number
      value |= (byte & 0x7f) << shift
    }
    return value >>> 0
  }

  checkBounds(): void {
    if (this.pos > this.bytes.length) throw new RangeError(`rows end in the middle of one, at byte ${this.pos}`)
  }
}

export function skipString(row: RowCursor): void {
  const length = row.varint()
  row.pos += length
}
