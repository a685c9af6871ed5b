import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BodyBuffer } from './body-buffer.ts'

test('one piece is not copied', () => {
  const gathered = new BodyBuffer(3)
  const piece = Buffer.from('abc')
  gathered.append(piece)
  expect(gathered.bytes.buffer).toBe(piece.buffer)
})

test('pieces of any sizes are put together as they came, beside others that come meanwhile and whatever was expected', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 300 }).chain(times), { maxLength: 12 })
  const some = fc.array(fc.record({ pieces, expected: fc.nat({ max: 400_000 }) }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(some, (all) => {
      const gathered = all.map(({ expected }) => new BodyBuffer(expected))
      const most = Math.max(...all.map((one) => one.pieces.length))
      for (let at = 0; at < most; at++)
        all.forEach(({ pieces: { [at]: piece } }, i) => piece && gathered[i]?.append(piece))
      all.forEach((one, i) => expect(gathered[i]?.bytes.equals(Buffer.concat(one.pieces))).toBe(true))
      for (const one of gathered) one.release()
      expect(gathered.map((one) => one.bytes.length)).toEqual(all.map(() => 0))
    }),
    { numRuns: 200 },
  )
})

/** Large pieces of few random bytes. */
function times(bytes: Uint8Array): fc.Arbitrary<Buffer> {
  return fc.nat({ max: 600 }).map((count) => Buffer.concat(Array.from({ length: count }, () => bytes)))
}
