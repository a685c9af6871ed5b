import type { CriticalPath, PathShare } from '@spanlink/api-schema'
import { formatDurationNano } from '../../lib/format/duration.ts'
import { serviceColor } from '../../lib/service-color.ts'
import { sanitizeText } from '../../lib/format/sanitize.ts'
import { ServiceName, Text } from '../../components/labels/labels.tsx'

/** Maximum number of shares listed by name; the strip shows all. */
const MAX_NAMED = 7

/** Shares of the critical path's time, longest first, as a strip and as text. */
export function PathShares({ path }: { readonly path: CriticalPath }) {
  const { shares } = path
  const queues = shares.reduce((sum, one) => (one.kind === 'topic' ? sum + BigInt(one.durationNano) : sum), 0n)
  const rest = shares.slice(MAX_NAMED).reduce((sum, one) => sum + one.share, 0)
  return (
    <section class="path-shares" aria-label="Critical path">
      <h2>
        Critical path <b>{formatDurationNano(path.durationNano)}</b>
        {queues > 0n && (
          <span class="faint" title="Includes time in which other services worked, which counts as processing above">
            {formatDurationNano(String(queues))} of it queue time
          </span>
        )}
      </h2>
      <div class="strip" aria-hidden="true">
        {shares.map((share) => (
          <i
            key={`${share.kind} ${share.name}`}
            class={getPartClass(share)}
            style={{ flexGrow: String(share.share), '--hue': String(serviceColor(share.name).hue) }}
            title={`${formatShare(share)}: ${formatDurationNano(share.durationNano)}, ${percent(share.share)}`}
          />
        ))}
      </div>
      <ul>
        {shares.slice(0, MAX_NAMED).map((share) => (
          <li key={`${share.kind} ${share.name}`}>
            {share.kind === 'service' ? (
              <ServiceName name={share.name} />
            ) : (
              <span class={`share-name ${share.kind}`}>
                <i class={getPartClass(share)} />
                <Text>{formatShare(share)}</Text>
              </span>
            )}
            <b>{percent(share.share)}</b>
            <span class="faint">{formatDurationNano(share.durationNano)}</span>
          </li>
        ))}
        {rest > 0 && (
          <li class="faint">
            and {percent(rest)} in {shares.length - MAX_NAMED} more
          </li>
        )}
      </ul>
    </section>
  )
}

function getPartClass({ kind, name }: PathShare): string {
  return kind === 'service' ? `part service ${serviceColor(name).tone}` : `part ${kind}`
}

function formatShare({ kind, name }: PathShare): string {
  if (kind === 'gap') return 'untraced'
  return kind === 'topic'
    ? `queue time in ${name === '' ? '(no topic)' : sanitizeText(name, 80)}`
    : sanitizeText(name, 80)
}

function percent(share: number): string {
  return share < 0.01 ? '<1%' : `${Math.round(share * 100)}%`
}
