import type { FastifyReply } from 'fastify'
import { describeMissingParts } from '../../query/sql/missing-parts.ts'

/** Sets `Warning: 199 - "…"` (RFC 7234, 5.5), for responses whose format has no field for it. */
export function setWarning(reply: FastifyReply, texts: readonly string[]): void {
  if (texts.length > 0) void reply.header('warning', `199 - "${texts.join(' ')}"`)
}

/** @param what may be missing: `the trace`, `spans` */
export function toWarnings(missingParts: number, what: string): readonly string[] {
  return missingParts === 0 ? [] : [describeMissingParts(missingParts, what)]
}
