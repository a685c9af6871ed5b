import type { TopologyLag } from '@spanlink/api-schema'
import { ageText, millisOf } from '../lib/format/clock-text.ts'
import { now } from '../lib/clock.ts'

/** A lag with its age: a consumer that died leaves its last value behind. */
export function lagTitle({ messages, timeUnixNano, stale }: TopologyLag): string {
  const age = ageText(millisOf(timeUnixNano), now.value)
  const count = `${messages.toLocaleString('en')} ${messages === 1 ? 'message' : 'messages'}`
  return stale ? `Lag was ${count} ${age}; not reported since` : `Lag ${count}, reported ${age}`
}
