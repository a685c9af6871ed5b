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

export function Header() {
  const { page } = route.value
  return (
    <header class="app-header">
      <a class="brand" href="/">
        <img src="/mark.svg" alt="" width="20" height="20" />
        Spanlink
      </a>
      <nav aria-label="Pages">
        <a href="/" aria-current={page === 'traces' ? 'page' : isTracesSection(page) ? 'true' : undefined}>
          Traces
        </a>
        <a href="/messages" aria-current={page === 'messages' ? 'page' : undefined}>
          Messages
        </a>
        <a href="/topology" aria-current={page === 'topology' ? 'page' : undefined}>
          Topology
        </a>
        <a href="/metrics" aria-current={page === 'metrics' ? 'page' : undefined}>
          Metrics
        </a>
        <a href="/logs" aria-current={page === 'logs' ? 'page' : undefined}>
          Logs
        </a>
        <a href="/connect" aria-current={page === 'connect' ? 'page' : undefined}>
          Connect
        </a>
      </nav>
      <OpenTrace />
      <StatusNotices />
      <EngineStatus />
      <ThemeButton />
      <IconButton icon="keyboard" label="Keyboard shortcuts" keys="?" onClick={openHelp} />
    </header>
  )
}

function isTracesSection(page: Route['page']): boolean {
  return page === 'trace' || page === 'flow'
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
    <details class="status-notices">
      <summary>
        <Icon name="warning" />
        {notices.length === 1 ? '1 notice' : `${notices.length} notices`}
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
      <span class="engine down" title={statusError.value.message}>
        <i class="lamp" />
        Disconnected
      </span>
    )
  }
  if (known === undefined) {
    return (
      <span class="engine">
        <i class="lamp" />
        <span class="faint">connecting</span>
      </span>
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
    <span class={`engine ${engine.state}`} title={detail}>
      <i class="lamp" />
      {engine.state === 'ready' ? `${store.spans.toLocaleString('en')} spans` : `ClickHouse ${engine.state}`}
    </span>
  )
}

function ThemeButton() {
  const next = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'system'
  const label = `Theme: ${theme.value}. Change to ${next}`
  return <IconButton icon={theme.value} label={label} onClick={() => setTheme(next)} />
}
