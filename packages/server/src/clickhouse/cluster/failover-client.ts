import type { Client } from '../client.ts'
import { StoreError } from '../store-error.ts'

/**
 * A client that tries the nodes of a cluster, the last responsive one first. An insert that failed
 * half-way can be repeated on another node: shards deduplicate by its token.
 */
export function createFailoverClient(nodes: readonly [Client, ...Client[]]): Client {
  let preferred = 0
  const tryNodes = async <T>(send: (client: Client) => Promise<T>): Promise<T> => {
    let failed: unknown
    for (let turn = 0; turn < nodes.length; turn++) {
      const at = (preferred + turn) % nodes.length
      try {
        const result = await send(nodes[at] as Client)
        if (turn > 0) preferred = at
        return result
      } catch (error) {
        failed = error
        if (!(error instanceof StoreError) || error.code !== 'unavailable') throw error
      }
    }
    throw failed
  }
  return {
    insert: (table, rows, token) => tryNodes((client) => client.insert(table, rows, token)),
    measureRows: (table, rows, maxBytes) => tryNodes((client) => client.measureRows(table, rows, maxBytes)),
    query: (sql, params, options) => tryNodes((client) => client.query(sql, params, options)),
    queryBytes: (sql, params, options) => tryNodes((client) => client.queryBytes(sql, params, options)),
    command: (...command) => tryNodes((client) => client.command(...command)),
    isPartReadable: (table, part) => tryNodes((client) => client.isPartReadable(table, part)),
    ping: async () => (await Promise.all(nodes.map((client) => client.ping()))).includes(true),
    close: async () => void (await Promise.all(nodes.map((client) => client.close()))),
  }
}
