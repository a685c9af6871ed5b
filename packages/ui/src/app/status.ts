import type { StatusResponse } from '@spanlink/api-schema'
import { computed, signal } from '@preact/signals'
import { poll } from '../lib/poll.ts'
import { createResource } from '../lib/resource.ts'

const POLL_INTERVAL_MS = 3000

const resource = createResource<StatusResponse>()

/** The latest status of the server. */
export const status = computed(() => resource.state.value.data)
export const statusError = computed(() => resource.state.value.error)

/** When the count of spans last grew while this page was open, in Unix milliseconds. */
export const lastArrival = signal<number | undefined>(undefined)

export function watchStatus(): () => void {
  return poll(async () => {
    const before = status.peek()?.ingest.spans
    await resource.load('api/status')
    const after = status.peek()?.ingest.spans
    if (before !== undefined && after !== undefined && after > before) lastArrival.value = Date.now()
  }, POLL_INTERVAL_MS)
}
