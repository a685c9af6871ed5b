import { expect, test } from 'vitest'
import { describeRetention, resolveRetention } from './retention-limits.ts'
import { parseServeOptions } from './serve-options.ts'

test.each([
  [[], 'Keeps data for 7 days, up to 20 GB (--retention, --max-disk)'],
  [['--retention', 'none'], 'Keeps data up to 20 GB (--retention, --max-disk)'],
  [['--retention=36h', '--max-disk=500MB'], 'Keeps data for 1.5 days, up to 0.5 GB (--retention, --max-disk)'],
  [['--retention=30m', '--max-disk=none'], 'Keeps data for 30 minutes (--retention, --max-disk)'],
  [['--store=clickhouse://h'], 'Keeps all data (--retention, --max-disk)'],
  [
    ['--retention=traces=3d, logs=12h'],
    'Keeps traces for 3 days, logs for 12 hours, metrics for 7 days, up to 20 GB (--retention, --max-disk)',
  ],
  [
    ['--retention=metrics=none', '--max-disk=none'],
    'Keeps traces for 7 days, logs for 7 days, all metrics (--retention, --max-disk)',
  ],
  [
    ['--store=clickhouse://h', '--retention=logs=1d'],
    'Keeps all traces, logs for 1 day, all metrics (--retention, --max-disk)',
  ],
  [['--retention=logs=2d,traces=2d,metrics=2d'], 'Keeps data for 2 days, up to 20 GB (--retention, --max-disk)'],
  [['--store=clickhouse://h', '--retention=1d'], 'Keeps data for 1 day (--retention, --max-disk)'],
])('serve %j prints at startup: %s', (args, line) => {
  expect(describeRetention(resolveRetention(parseServeOptions(args, {})))).toBe(line)
})
