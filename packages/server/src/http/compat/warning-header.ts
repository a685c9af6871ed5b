import type { FastifyReply } from 'fastify'

/** Sets `Warning: 199 - "…"` (RFC 7234, 5.5), for responses whose format has no field for it. */
export function setWarning(reply: FastifyReply, texts: readonly string[]): void {
  if (texts.length > 0) void reply.header('warning', `199 - "${texts.join(' ')}"`)
}
