import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { safely } from '../core/diagnostics.ts'
import type { ServerAddress } from '../core/source.ts'

// Clients in plain JavaScript don't tell about their connections; Node does, for every socket, TLS
// included. Whose it is, the asynchronous context tells: a client's calls run in `within`, and the
// application's handlers outside of it. https://nodejs.org/api/diagnostics_channel.html#net

export interface SocketListener {
  onConnect(broker: ServerAddress): void
  /** Not connected at all. */
  onConnectFailure(broker: ServerAddress, error: unknown): void
  /** `error` if it was closed by one. */
  onDisconnect(broker: ServerAddress, error: unknown): void
  /** Bytes since the last call for this socket. */
  onBytes(broker: ServerAddress, read: number, written: number): void
}

export interface SocketWatcher {
  /** Calls `fn`; sockets that are opened by it, however much later, belong to `listener`. */
  runAsClient<R>(listener: SocketListener, fn: () => R): R
  /** Calls `fn`, whose sockets belong to nobody here. */
  runAsApplication<R>(fn: () => R): R
  /** Watches a socket that is connected already, whoever opened it. */
  watch(socket: Socket, broker: ServerAddress, listener: SocketListener): void
  /** Tells every listener the bytes of its open sockets. */
  reportBytes(): void
}

let watched: SocketWatcher | undefined

/** Reports the bytes of open sockets to their listeners. */
export function reportSocketBytes(): void {
  watched?.reportBytes()
}

/** The one watcher of the process. Nothing is watched before the first call. */
export function getSocketWatcher(): SocketWatcher {
  watched ??= startWatching()
  return watched
}

function startWatching(): SocketWatcher {
  const owner = new AsyncLocalStorage<SocketListener | undefined>()
  const open = new Set<() => void>()
  subscribe('net.client.socket', (message) => {
    const listener = owner.getStore()
    if (listener !== undefined) {
      safely('watch a socket', () => watchConnecting((message as { readonly socket: Socket }).socket, listener, open))
    }
  })
  return {
    runAsClient: (listener, fn) => owner.run(listener, fn),
    runAsApplication: (fn) => (owner.getStore() === undefined ? fn() : owner.run(undefined, fn)),
    watch: (socket, broker, listener) => watchConnected(socket, broker, listener, open),
    reportBytes() {
      for (const tell of open) tell()
    },
  }
}

function watchConnecting(socket: Socket, listener: SocketListener, open: Set<() => void>): void {
  let host: string | undefined
  let isConnected = false
  // An address is looked up only where a name was given, and the name is what the conventions want.
  socket.once('lookup', (_error, _address, _family, name) => (host = name))
  socket.once('connect', () => {
    isConnected = true
    watchConnected(socket, { address: host ?? socket.remoteAddress, port: socket.remotePort }, listener, open)
  })
  // No listener for 'error': with one, an error that the client doesn't handle would no longer be
  // unhandled.
  socket.once('close', (hadError: boolean) => {
    if (isConnected) return
    const error = getCloseError(socket, hadError) ?? new Error('closed before it was connected')
    const { address, port } = error as { readonly address?: string; readonly port?: number }
    listener.onConnectFailure({ address: host ?? address, port }, error)
  })
}

function watchConnected(socket: Socket, broker: ServerAddress, listener: SocketListener, open: Set<() => void>): void {
  let read = 0
  let written = 0
  const reportBytes = (): void => {
    const { bytesRead, bytesWritten } = socket
    listener.onBytes(broker, bytesRead - read, (bytesWritten ?? written) - written)
    read = bytesRead
    written = bytesWritten ?? written
  }
  open.add(reportBytes)
  listener.onConnect(broker)
  socket.once('close', (hadError: boolean) => {
    open.delete(reportBytes)
    reportBytes()
    listener.onDisconnect(broker, getCloseError(socket, hadError))
  })
}

function getCloseError(socket: Socket, hadError: boolean): Error | undefined {
  return hadError ? (socket.errored ?? new Error('closed by an error')) : undefined
}
