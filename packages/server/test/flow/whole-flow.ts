import type { FlowAnswer, FlowQuery } from '@spanlink/contract'
import { vi } from 'vitest'
import { findFlow } from '../../src/query/flow/find-flow.ts'
import type { Store } from '../../src/store/store.ts'

/** Asks until the search has not run out of time, as it may on a busy machine: what it found by then is an answer, too. */
export async function wholeFlow(store: Store, traceId: string, query: FlowQuery): Promise<FlowAnswer | undefined> {
  const ask = async (): Promise<FlowAnswer | undefined> => {
    const flow = await findFlow(store, traceId, query, {})
    if (flow?.truncated.time === true) throw new Error('the search ran out of time')
    return flow
  }
  return await vi.waitFor(ask, { timeout: 90_000, interval: 50 })
}
