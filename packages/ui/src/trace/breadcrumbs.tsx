import { traceUrl } from '../app/route.ts'
import { pageState, push, onPlainClick } from '../lib/url.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { ServiceName, Text } from '../components/labels/labels.tsx'

/**
 * More breadcrumbs would push the trace off the screen. Earlier ones are reachable through the
 * first.
 */
const SHOWN = 5

/** Visited spans, oldest first. Hidden until a link has been followed. */
export function Breadcrumbs() {
  const { trail } = pageState.value
  if (trail.length === 0) return null
  const hidden = Math.max(0, trail.length - SHOWN)
  return (
    <nav class="trail" aria-label="Links followed">
      <ol>
        {hidden > 0 && <li class="faint">{hidden} earlier</li>}
        {trail.slice(hidden).map((breadcrumb, index) => (
          <li key={`${breadcrumb.traceId}${breadcrumb.spanId}${index}`}>
            <a
              href={traceUrl(breadcrumb.traceId, breadcrumb.spanId)}
              onClick={onPlainClick(() =>
                push(traceUrl(breadcrumb.traceId, breadcrumb.spanId), trail.slice(0, hidden + index)),
              )}
            >
              <ServiceName name={breadcrumb.service} />
              <Text>{breadcrumb.name}</Text>
            </a>
            <Icon name="chevronRight" />
          </li>
        ))}
        <li aria-current="location">This trace</li>
      </ol>
    </nav>
  )
}
