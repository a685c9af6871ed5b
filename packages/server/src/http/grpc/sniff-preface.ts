import type { Socket } from 'node:net'

/** The first bytes of an HTTP/2 connection without TLS (RFC 9113, 3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

const TOO_LATE = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n'

/**
 * Reads the first bytes of a connection to find out its protocol, and puts them back. Waits for at
 * most the 24 bytes of the preface, and only while they are those of the preface: the first byte of
 * most HTTP/1.1 requests is enough.
 *
 * @param timeoutMs closes a connection that has not sent enough by then
 */
export function sniffPreface(socket: Socket, timeoutMs: number, serve: (isHttp2: boolean) => void): void {
  let start: Buffer = Buffer.alloc(0)
  const late = setTimeout(() => socket.end(TOO_LATE, () => socket.destroy()), timeoutMs).unref()
  const stop = (): void => {
    clearTimeout(late)
    socket.off('readable', read)
    socket.off('end', end)
    socket.off('error', end)
    socket.off('close', stop)
  }
  const end = (): void => {
    stop()
    socket.destroy()
  }
  const read = (): void => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    start = start.length === 0 ? chunk : Buffer.concat([start, chunk])
    const known = Math.min(start.length, PREFACE.length)
    const isPreface = PREFACE.subarray(0, known).equals(start.subarray(0, known))
    if (isPreface && known < PREFACE.length) return
    stop()
    socket.unshift(start)
    serve(isPreface)
  }
  socket.on('readable', read)
  socket.on('end', end)
  socket.on('error', end)
  socket.on('close', stop)
}
