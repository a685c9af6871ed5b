import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BareEngine, startEngineWithTables } from './bare-engine.ts'

let dir: string
let engine: BareEngine
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spanlink-parameters-'))
  engine = await startEngineWithTables(dir)
}, 60_000)
afterAll(async () => {
  await engine.stop()
  await rm(dir, { recursive: true, force: true })
})

/** JSON has one zero. */
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number))

// Long parameters are sent in the body, short ones in the URL.
test.each([0, 5000])('texts are the same in ClickHouse, beside a parameter of %i characters', async (length) => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom(...`\t\n\r\b\0'"\\%&+= aü`) }),
  )
  await fc.assert(
    fc.asyncProperty(text, fc.array(text), fc.boolean(), finite, async (one, many, flag, number) => {
      const [row] = await engine.client.query(
        'select {one:String} as one, {many:Array(String)} as many, {flag:Bool} as flag, {number:Float64} as number, length({long:String}) as long',
        { one, many, flag, number, long: 'x'.repeat(length) },
      )
      expect(row).toEqual({ one, many, flag, number, long: String(length) })
    }),
    { numRuns: 60 },
  )
})

test('a statement that ClickHouse rejects fails with its message', async () => {
  await expect(engine.client.query('select nothing')).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('nothing') as string,
  })
  await expect(engine.client.query('select 1 settings max_result_rows = 1', {}, {})).resolves.toHaveLength(1)
  const many = 'select number from numbers(10) settings max_result_rows = 1'
  await expect(engine.client.queryBytes(many)).rejects.toMatchObject({ code: 'too-heavy' })
})
