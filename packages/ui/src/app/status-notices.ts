import type { StatusResponse } from '@spanlink/api-schema'
import { formatCountOf } from '../lib/format/number.ts'
import { formatBytes } from '../lib/format/bytes.ts'

/** Warnings about stored data that responses may miss, one sentence each. */
export function statusNotices({ quarantine, journal, corruptParts, damagedRows, kafka }: StatusResponse): string[] {
  const notices: string[] = []
  if (quarantine.segments > 0) {
    notices.push(
      `${formatCountOf(quarantine.segments, 'journal segment')} (${formatBytes(quarantine.bytes)}) in quarantine: not stored. ${sentence(quarantine.lastError)}Run spanlink quarantine retry --data DIR as the server's user.`,
    )
  }
  if (journal.unreadableBytes > 0)
    notices.push(
      `${formatBytes(journal.unreadableBytes)} of damaged journal files could not be read. See the server log.`,
    )
  if (corruptParts.count > 0) {
    notices.push(
      `${formatCountOf(corruptParts.count, 'part')} of ${corruptParts.tables.slice(0, 10).join(', ')} (${formatBytes(corruptParts.bytes)}) cannot be read: results may be incomplete. See the server log.`,
    )
  }
  if (damagedRows > 0) {
    notices.push(
      `${formatCountOf(damagedRows, 'stored row')} cannot be decoded: traces may be incomplete. See the server log.`,
    )
  }
  if (kafka !== undefined && kafka.quarantine.batches > 0) {
    notices.push(
      `${formatCountOf(kafka.quarantine.batches, 'Kafka batch').replace(/batchs$/, 'batches')} (${formatBytes(kafka.quarantine.bytes)}) in quarantine: not stored. ${sentence(kafka.quarantine.lastError)}`.trim(),
    )
  }
  return notices
}

function sentence(error: string): string {
  return error === '' ? '' : `Last error: ${error.slice(0, 300).replace(/[.\s]*$/, '')}. `
}
