import type { StatusCode } from '@spanlink/api-schema'
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { now } from '../../lib/clock.ts'
import { formatDurationNano } from '../../lib/format/duration.ts'
import { sanitizeBlock, sanitizeText } from '../../lib/format/sanitize.ts'
import { formatAge, formatTimeWithZone, toMillis } from '../../lib/format/time.ts'
import { serviceColor } from '../../lib/service-color.ts'
import { Icon } from '../buttons/icon.tsx'

/** Tooltips need no more than this. */
const MAX_TITLE_LENGTH = 500

/** Untrusted text: direction isolated, control characters made visible, truncated by its column. */
export function Text({ children, class: name = '' }: { readonly children: string; readonly class?: string }) {
  return (
    <span class={`text ${name}`} title={sanitizeText(children, MAX_TITLE_LENGTH)}>
      {children === '' ? <span class="faint">(empty)</span> : sanitizeText(children)}
    </span>
  )
}

/** Shown at once when expanded; browsers need seconds to lay out a longer text node. */
const MAX_SHOWN_LENGTH = 100_000

/** A short text in full; of a longer one the beginning, with a button that shows the rest. */
export function LongText({ text, maxLength }: { readonly text: string; readonly maxLength: number }) {
  const isOpen = useSignal(false)
  const limit = isOpen.value ? MAX_SHOWN_LENGTH : maxLength
  return (
    <span class="text block">
      {text === '' ? <span class="faint">(empty)</span> : sanitizeBlock(text, limit)}
      {text.length > maxLength && (
        <button
          type="button"
          class="plain"
          onClick={(event) => {
            event.stopPropagation()
            isOpen.value = !isOpen.value
          }}
        >
          {isOpen.value ? 'Show less' : `Show all ${text.length.toLocaleString('en')} characters`}
        </button>
      )}
      {isOpen.value && text.length > MAX_SHOWN_LENGTH && (
        <span class="faint"> cut at 100,000 characters. Copy the value for all of it.</span>
      )}
    </span>
  )
}

export function OptionalText({ text }: { readonly text: string }) {
  return text === '' ? <span class="faint">none</span> : <LongText text={text} maxLength={300} />
}

/** A service name with its colour, which is the same on every page. */
export function ServiceName({ name }: { readonly name: string }) {
  const { hue, tone } = serviceColor(name)
  return (
    <span class={`service ${tone}`} style={{ '--hue': String(hue) }}>
      <i class="service-dot" />
      <Text>{name === '' ? '(no service.name)' : name}</Text>
    </span>
  )
}

/** A span by its service and name. */
export function SpanName({ service, name }: { readonly service: string; readonly name: string }) {
  return (
    <>
      <ServiceName name={service} />
      <Text class="operation">{name}</Text>
    </>
  )
}

/** The age of a timestamp; the tooltip has the exact time and its zone. */
export function Age({ unixNano }: { readonly unixNano: string }) {
  const at = toMillis(unixNano)
  return (
    <time dateTime={at > 8.64e15 ? undefined : new Date(at).toISOString()} title={formatTimeWithZone(unixNano)}>
      {formatAge(at, now.value)}
    </time>
  )
}

/** A queue time in nanoseconds, with a warning if it is negative. */
export function QueueTime({ nanos }: { readonly nanos: string }) {
  return (
    <>
      {formatDurationNano(nanos)}
      {nanos.startsWith('-') && (
        <span class="tag warn" title="Clock skew: the consumer started before the message was sent">
          clock skew
        </span>
      )}
    </>
  )
}

const STATUS_ICONS = { error: 'error', ok: 'check', unset: undefined } as const

export function StatusTag({ code }: { readonly code: StatusCode }) {
  const icon = STATUS_ICONS[code]
  if (icon === undefined) return <span class="tag">status unset</span>
  return (
    <span class={`tag ${code}`}>
      <Icon name={icon} />
      {code}
    </span>
  )
}

/** A number of errors. The icon has a label where no column header or text explains it. */
export function ErrorCount(props: {
  readonly label?: string
  readonly title?: string
  readonly children: ComponentChildren
}) {
  return (
    <span class="errors" title={props.title}>
      <Icon name="error" label={props.label} />
      {props.children}
    </span>
  )
}
