import { formatAge, formatTime, toMillis } from '../../lib/format/time.ts'
import { now } from '../../lib/clock.ts'

/** The age of a timestamp; the exact time in nanoseconds is in the tooltip. */
export function Age({ unixNano }: { readonly unixNano: string }) {
  const at = toMillis(unixNano)
  return (
    <time dateTime={at > 8.64e15 ? undefined : new Date(at).toISOString()} title={formatTime(unixNano)}>
      {formatAge(at, now.value)}
    </time>
  )
}
