import type { ComponentChildren } from 'preact'
import { status, statusError } from './status.ts'
import { setTheme, theme, themes } from './theme.ts'
import { traceUrl, type Route } from './route.ts'
import { push, route } from '../lib/url.ts'
import { announce } from './announcer.tsx'
import { openHelp } from './help-dialog.tsx'
import { formatBytes } from '../lib/format/bytes.ts'
import { statusNotices } from './status-notices.ts'
import { sanitizeText } from '../lib/format/sanitize.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { IconButton } from '../components/buttons/icon-button.tsx'
import { UserMenu } from '../sign-in/user-menu.tsx'
import { formatCountOf } from '../lib/format/number.ts'

/** The pages of the navigation, and the keys that open them. */
export const PAGES: readonly Readonly<Record<'path' | 'title' | 'key', string> & { page: Route['page'] }>[] = [
  { page: 'traces', path: './', title: 'Traces', key: '1' },
  { page: 'messages', path: 'messages', title: 'Messages', key: '2' },
  { page: 'topology', path: 'topology', title: 'Topology', key: '3' },
  { page: 'metrics', path: 'metrics', title: 'Metrics', key: '4' },
  { page: 'logs', path: 'logs', title: 'Logs', key: '5' },
  { page: 'connect', path: 'connect', title: 'Connect', key: '9' },
]

export function Header() {
  const { page } = route.value
  return (
    <header class="app-header">
      <a class="brand" href="./">
        <img src="mark.svg" alt="" width="20" height="20" />
        Spanlink
      </a>
      <nav aria-label="Pages">
        {PAGES.map((to) => (
          <a key={to.page} class="tab" href={to.path} aria-current={getCurrent(to.page, page)}>
            {to.title}
          </a>
        ))}
      </nav>
      <OpenTrace />
      <StatusNotices />
      <EngineStatus />
      <UserMenu />
      <ThemeButton />
      <IconButton icon="keyboard" label="Keyboard shortcuts" keys="?" onClick={openHelp} />
    </header>
  )
}

/** Traces and flows belong to the list of traces. */
function getCurrent(to: Route['page'], page: Route['page']): 'page' | 'true' | undefined {
  if (to === page) return 'page'
  return to === 'traces' && (page === 'trace' || page === 'flow') ? 'true' : undefined
}

/** Opens a trace by an ID pasted from a log line. */
function OpenTrace() {
  const open = (event: SubmitEvent & { readonly currentTarget: HTMLFormElement }): void => {
    event.preventDefault()
    const input = event.currentTarget.elements.namedItem('traceId')
    if (!(input instanceof HTMLInputElement)) return
    // Accepts a traceparent, a URL or a log line: the first standalone run of 32 hex digits.
    const traceId = /(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/i.exec(input.value)?.[0].toLowerCase()
    if (traceId === undefined) {
      announce('Not a trace ID: expected 32 hex digits, as in a traceparent header.')
      return
    }
    input.value = ''
    push(traceUrl(traceId))
  }
  return (
    <form class="open-trace" role="search" aria-label="Open trace by ID" onSubmit={open}>
      <input
        name="traceId"
        class="mono"
        placeholder="Trace ID"
        aria-label="Trace ID"
        autoComplete="off"
        spellcheck={false}
      />
    </form>
  )
}

/** Warnings on every page that responses may lack stored data. */
function StatusNotices() {
  const notices = status.value === undefined ? [] : statusNotices(status.value)
  if (notices.length === 0) return null
  return (
    <details class="status-notices popup">
      <summary class="bare">
        <Icon name="warning" />
        {formatCountOf(notices.length, 'notice')}
      </summary>
      <ul aria-label="Notices">
        {notices.map((notice) => (
          <li key={notice} class="text block">
            {sanitizeText(notice, 600)}
          </li>
        ))}
      </ul>
    </details>
  )
}

function EngineStatus() {
  const known = status.value
  if (statusError.value !== undefined) {
    return (
      <Lamp state="down" title={statusError.value.message}>
        Disconnected
      </Lamp>
    )
  }
  if (known === undefined) {
    return (
      <Lamp state="">
        <span class="faint">connecting</span>
      </Lamp>
    )
  }
  const { engine, store, journal } = known
  const detail = [
    `ClickHouse ${engine.version}, ${engine.mode}, ${engine.state}`,
    `${store.traces.toLocaleString('en')} traces, ${store.links.toLocaleString('en')} links, ${formatBytes(store.bytesOnDisk)} on disk`,
    `Journal: ${journal.segments} segments, ${formatBytes(journal.bytes)}`,
    `Spanlink ${known.version}`,
  ].join('\n')
  return (
    <Lamp state={engine.state} title={detail}>
      {engine.state === 'ready' ? `${store.spans.toLocaleString('en')} spans` : `ClickHouse ${engine.state}`}
    </Lamp>
  )
}

function Lamp(props: { readonly state: string; readonly title?: string; readonly children: ComponentChildren }) {
  return (
    <span class={`engine ${props.state}`} title={props.title}>
      <i class="lamp" />
      {props.children}
    </span>
  )
}

function ThemeButton() {
  const next = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'system'
  const label = `Theme: ${theme.value}. Change to ${next}`
  return <IconButton icon={theme.value} label={label} onClick={() => setTheme(next)} />
}
