import type { Client } from '../client.ts'
import { StoreError } from '../store-error.ts'

/**
 * The nodes of a cluster as one: any of them answers for all. A node that is away is passed over,
 * and the one that answered last is asked first. An insert that failed half-way is safe to give to
 * another node: the shards know its token.
 */
export function anyOf(nodes: readonly [Client, ...Client[]]): Client {
  let preferred = 0
  const first = async <T>(ask: (client: Client) => Promise<T>): Promise<T> => {
    let failed: unknown
    for (let turn = 0; turn < nodes.length; turn++) {
      const at = (preferred + turn) % nodes.length
      try {
        const answer = await ask(nodes[at] as Client)
        if (turn > 0) preferred = at
        return answer
      } catch (error) {
        failed = error
        if (!(error instanceof StoreError) || error.code !== 'engine-down') throw error
      }
    }
    throw failed
  }
  return {
    insert: (table, rows, token) => first((client) => client.insert(table, rows, token)),
    measureRows: (table, rows, maxBytes) => first((client) => client.measureRows(table, rows, maxBytes)),
    query: (sql, params, options) => first((client) => client.query(sql, params, options)),
    command: (sql, settings) => first((client) => client.command(sql, settings)),
    isPartReadable: (table, part) => first((client) => client.isPartReadable(table, part)),
    answers: async () => (await Promise.all(nodes.map((client) => client.answers()))).includes(true),
    close: async () => void (await Promise.all(nodes.map((client) => client.close()))),
  }
}
