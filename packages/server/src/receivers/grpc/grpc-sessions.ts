import type { Http2Server, ServerHttp2Session, ServerOptions } from 'node:http2'
import type { Timeouts } from '../receiver-options.ts'

/** Concurrent calls of one connection; their bytes count in a budget. */
const MAX_STREAMS = 64

/** Limits of an HTTP/2 connection. */
export const HTTP2_OPTIONS: ServerOptions = {
  settings: { maxConcurrentStreams: MAX_STREAMS, initialWindowSize: 1024 * 1024, maxHeaderListSize: 16 * 1024 },
}

export type GrpcSessions = {
  /** Sends GOAWAY: each session accepts no more calls, and ends with its last one. */
  close(): Promise<void>
  /** Ends all sessions and their calls. */
  destroy(): void
}

/** Follows the sessions of a server, and ends those whose client no longer answers pings. */
export function trackSessions(
  server: Pick<Http2Server, 'on'>,
  timeouts: Pick<Timeouts, 'pingIntervalMs' | 'pongMs'>,
): GrpcSessions {
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    const stopPinging = startKeepAlive(session, timeouts)
    // A protocol error of the peer destroys the session; without a listener it would be uncaught.
    session.on('error', () => {})
    session.once('close', () => {
      stopPinging()
      sessions.delete(session)
    })
  })
  return {
    close: async () => {
      // Not the callback of `close`: it isn't called for a session that is closing already.
      const closed = Array.from(sessions, (session) => new Promise((resolve) => session.once('close', resolve)))
      for (const session of sessions) session.close()
      await Promise.all(closed)
    },
    destroy: () => sessions.forEach((session) => session.destroy()),
  }
}

function startKeepAlive(
  session: ServerHttp2Session,
  { pingIntervalMs, pongMs }: Pick<Timeouts, 'pingIntervalMs' | 'pongMs'>,
): () => void {
  let late: NodeJS.Timeout | undefined
  const timer = setInterval(() => {
    if (session.destroyed) return
    late ??= setTimeout(() => session.destroy(), pongMs).unref()
    session.ping(() => {
      clearTimeout(late)
      late = undefined
    })
  }, pingIntervalMs).unref()
  return () => {
    clearInterval(timer)
    clearTimeout(late)
  }
}
