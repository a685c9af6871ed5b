import { expect, test } from 'vitest'
import { toDataView } from './copy-bytes.ts'
import { bytesEqual } from './bytes-equal.ts'

test('byte strings are unequal when any bit differs, and bytes beside them do not matter', () => {
  for (let length = 0; length <= 40; length++) {
    const string = Buffer.from(Array.from({ length }, (_, i) => 0x80 + i * 3))
    const left = Buffer.concat([Buffer.from('left'), string, Buffer.from('l')])
    const right = Buffer.concat([Buffer.from('right'), string, Buffer.from('r')])
    const same = (): boolean => bytesEqual(toDataView(left), 4, toDataView(right), 5, length)
    expect(same()).toBe(true)
    for (let bit = 0; bit < length * 8; bit++) {
      const at = 5 + (bit >> 3)
      right[at] = (right[at] as number) ^ (1 << (bit & 7))
      expect(same(), `bit ${bit} of ${length} bytes`).toBe(false)
      right[at] = (right[at] as number) ^ (1 << (bit & 7))
    }
  }
})
