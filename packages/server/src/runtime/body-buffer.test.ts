import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BodyBuffer } from './body-buffer.ts'

test('a body of one chunk is not copied', () => {
  const buffer = new BodyBuffer(3)
  const piece = Buffer.from('abc')
  buffer.append(piece)
  expect(buffer.bytes.buffer).toBe(piece.buffer)
})

test('chunks of any size are joined in order, with concurrent bodies and a wrong Content-Length', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 300 }).chain(times), { maxLength: 12 })
  const bodies = fc.array(fc.record({ pieces, expected: fc.nat({ max: 400_000 }) }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(bodies, (all) => {
      const buffers = all.map(({ expected }) => new BodyBuffer(expected))
      const maxPieces = Math.max(...all.map((one) => one.pieces.length))
      for (let at = 0; at < maxPieces; at++)
        all.forEach(({ pieces: { [at]: piece } }, i) => piece && buffers[i]?.append(piece))
      all.forEach((one, i) => expect(buffers[i]?.bytes.equals(Buffer.concat(one.pieces))).toBe(true))
      for (const one of buffers) one.release()
      expect(buffers.map((one) => one.bytes.length)).toEqual(all.map(() => 0))
    }),
    { numRuns: 200 },
  )
})

/** Large pieces of few random bytes. */
function times(bytes: Uint8Array): fc.Arbitrary<Buffer> {
  return fc.nat({ max: 600 }).map((count) => Buffer.concat(Array.from({ length: count }, () => bytes)))
}
