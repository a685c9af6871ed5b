import { formatAge, formatTimeWithZone, toMillis } from '../../lib/format/time.ts'
import { now } from '../../lib/clock.ts'

/** The age of a timestamp; the tooltip has the exact time and its zone. */
export function Age({ unixNano }: { readonly unixNano: string }) {
  const at = toMillis(unixNano)
  return (
    <time dateTime={at > 8.64e15 ? undefined : new Date(at).toISOString()} title={formatTimeWithZone(unixNano)}>
      {formatAge(at, now.value)}
    </time>
  )
}
