import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { safely } from '../core/diagnostics.ts'
import type { ServerAddress } from '../core/source.ts'

// JavaScript clients do not report their connections; Node reports every socket, TLS included. The
// async context tells a client's sockets from the application's:
// https://nodejs.org/api/diagnostics_channel.html#net

export interface SocketListener {
  onConnect(broker: ServerAddress): void
  /** The connection could not be opened. */
  onConnectFailure(broker: ServerAddress, error: unknown): void
  /** @param error set if it closed the connection */
  onDisconnect(broker: ServerAddress, error: unknown): void
  /** Bytes since the last call for this socket. */
  onBytes(broker: ServerAddress, read: number, written: number): void
}

export interface SocketWatcher {
  /** Calls `fn`; sockets that it opens, however much later, belong to `listener`. */
  runAsClient<R>(listener: SocketListener, fn: () => R): R
  /** Calls `fn`; its sockets belong to no listener. */
  runAsApplication<R>(fn: () => R): R
  /** Watches a connected socket. */
  watch(socket: Socket, broker: ServerAddress, listener: SocketListener): void
  /** Reports the bytes of all open sockets. */
  reportBytes(): void
}

let watched: SocketWatcher | undefined

/** Reports the bytes of open sockets to their listeners. */
export function reportSocketBytes(): void {
  watched?.reportBytes()
}

/** Returns the watcher of the process; nothing is watched before the first call. */
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
      for (const report of open) report()
    },
  }
}

function watchConnecting(socket: Socket, listener: SocketListener, open: Set<() => void>): void {
  let host: string | undefined
  let isConnected = false
  // `lookup` is emitted for names only, which the conventions prefer to addresses.
  socket.once('lookup', (_error, _address, _family, name) => (host = name))
  socket.once('connect', () => {
    isConnected = true
    watchConnected(socket, { address: host ?? socket.remoteAddress, port: socket.remotePort }, listener, open)
  })
  // A listener for 'error' would mark an unhandled error as handled.
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
