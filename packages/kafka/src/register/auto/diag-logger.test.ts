import { expect, test } from 'vitest'
import { createDiagLogger } from './diag-logger.ts'

test('errors are printed as one short line, once a minute at most', () => {
  const lines: string[] = []
  let now = 0
  const logger = createDiagLogger(
    (line) => lines.push(line),
    () => now,
  )
  logger.error(
    '{"stack":"Error: connect\\n at x","message":"connect ECONNREFUSED 127.0.0.1:4318","code":"ECONNREFUSED"}',
  )
  logger.error('again')
  now = 60_000
  logger.error('failed:', new Error('a\nb'.repeat(500)))
  logger.info('ignored')
  expect(lines).toEqual([
    'connect ECONNREFUSED 127.0.0.1:4318 ECONNREFUSED (OTEL_LOG_LEVEL=error shows all)',
    expect.stringMatching(/^failed: a ba b.{290}/),
  ])
})

test('a warning is printed once', () => {
  const lines: string[] = []
  const logger = createDiagLogger((line) => lines.push(line))
  for (let i = 0; i < 20; i += 1) logger.warn('unsupported protocol', 'foo')
  for (let i = 0; i < 20; i += 1) logger.warn(`another ${i}`)
  expect(lines).toEqual(['unsupported protocol foo', ...Array.from({ length: 9 }, (_, i) => `another ${i}`)])
})
