import { expect, test } from 'vitest'
import { copyBytes, toDataView } from './copy-bytes.ts'

test('any number of bytes is copied between any offsets, and no byte beside them', () => {
  const source = Buffer.from(Array.from({ length: 1200 }, (_, i) => i * 7 + 1))
  for (let length = 0; length <= 900; length++) {
    for (const [start, at] of [
      [0, 0],
      [1, 6],
      [source.length - length, 1000 - length],
    ] as const) {
      const target = Buffer.alloc(1000, 0xee)
      const wanted = Buffer.from(target)
      source.copy(wanted, at, start, start + length)
      copyBytes(toDataView(source), start, toDataView(target), at, length)
      expect(target.equals(wanted), `${length} bytes from ${start} to ${at}`).toBe(true)
    }
  }
})
