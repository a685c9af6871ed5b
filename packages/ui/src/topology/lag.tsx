import type { TopologyLag } from '@spanlink/api-schema'
import { formatAge, toMillis } from '../lib/format/time.ts'
import { now } from '../lib/clock.ts'
import { Age } from '../components/labels/age.tsx'
import { Text } from '../components/labels/text.tsx'

/** The lag of a group as an entry of a description list. */
export function Lag({ lag }: { readonly lag: TopologyLag }) {
  return (
    <>
      <dt>Lag</dt>
      <dd>
        <span class={lag.stale ? 'stale-lag' : ''}>
          {lag.messages === 1 ? '1 message' : `${lag.messages.toLocaleString('en')} messages`}
        </span>{' '}
        <span class="faint">
          (<Age unixNano={lag.timeUnixNano} />
          {lag.stale ? ', not reported since' : ''}, <Text>{lag.metric}</Text>)
        </span>
      </dd>
    </>
  )
}

/** A lag with its age, because a stopped consumer leaves its last value behind. */
export function lagTitle({ messages, timeUnixNano, stale }: TopologyLag): string {
  const age = formatAge(toMillis(timeUnixNano), now.value)
  const count = `${messages.toLocaleString('en')} ${messages === 1 ? 'message' : 'messages'}`
  return stale ? `Lag was ${count} ${age}; not reported since` : `Lag ${count}, reported ${age}`
}
