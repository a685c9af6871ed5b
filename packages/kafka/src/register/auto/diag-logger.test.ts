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
  logger.warn('ignored')
  expect(lines).toEqual([
    'connect ECONNREFUSED 127.0.0.1:4318 ECONNREFUSED (OTEL_LOG_LEVEL=error shows all)',
    expect.stringMatching(/^failed: a ba b.{290}/),
  ])
})
