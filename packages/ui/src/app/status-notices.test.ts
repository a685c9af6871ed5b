import type { StatusResponse } from '@spanlink/api-schema'
import { expect, test } from 'vitest'
import { statusNotices } from './status-notices.ts'

const healthy = {
  journal: { segments: 0, bytes: 0, tornBytes: 12, unreadableBytes: 0 },
  quarantine: { segments: 0, bytes: 0, lastError: '' },
  corruptParts: { count: 0, bytes: 0, tables: [] },
  damagedRows: 0,
} as unknown as StatusResponse

test('a healthy status has no notices', () => {
  expect(statusNotices(healthy)).toEqual([])
})

test('each kind of quarantined, damaged or unreadable data has a notice', () => {
  const broken: StatusResponse = {
    ...healthy,
    quarantine: { segments: 2, bytes: 2048, lastError: 'memory limit exceeded.' },
    journal: { ...healthy.journal, unreadableBytes: 300 },
    corruptParts: { count: 1, bytes: 5_242_880, tables: ['spans', 'links'] },
    damagedRows: 7,
    kafka: { rejectedMessages: 0, connectionFailures: 0, quarantine: { batches: 3, bytes: 10, lastError: '' } },
  }
  expect(statusNotices(broken)).toEqual([
    "2 journal segments (2.0 KiB) in quarantine: not stored. Last error: memory limit exceeded. Run spanlink quarantine retry --data DIR as the server's user.",
    '300 B of damaged journal files could not be read. See the server log.',
    '1 part of spans, links (5.0 MiB) cannot be read: results may be incomplete. See the server log.',
    '7 stored rows cannot be decoded: traces may be incomplete. See the server log.',
    '3 Kafka batches (10 B) in quarantine: not stored.',
  ])
})
