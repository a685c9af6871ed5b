import type { TopologyLag } from '@spanlink/api-schema'
import { formatAge, toMillis } from '../lib/format/time.ts'
import { now } from '../lib/clock.ts'
import { Age, Text } from '../components/labels/labels.tsx'
import { Pair } from '../components/labels/facts.tsx'
import { formatCountOf } from '../lib/format/number.ts'

/** The lag of a group as an entry of a description list. */
export function Lag({ lag }: { readonly lag: TopologyLag }) {
  return (
    <Pair name="Lag">
      <span class={lag.stale ? 'stale-lag' : ''}>{formatCountOf(lag.messages, 'message')}</span>{' '}
      <span class="faint">
        (<Age unixNano={lag.timeUnixNano} />
        {lag.stale ? ', not reported since' : ''}, <Text>{lag.metric}</Text>)
      </span>
    </Pair>
  )
}

/** A lag with its age, because a stopped consumer leaves its last value behind. */
export function lagTitle({ messages, timeUnixNano, stale }: TopologyLag): string {
  const age = formatAge(toMillis(timeUnixNano), now.value)
  const count = formatCountOf(messages, 'message')
  return stale ? `Lag was ${count} ${age}; not reported since` : `Lag ${count}, reported ${age}`
}
