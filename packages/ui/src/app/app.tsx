import { useEffect } from 'preact/hooks'
import { useKeys, type KeyBinding } from './keyboard.ts'
import { watchStatus } from './status.ts'
import type { Route } from './route.ts'
import { isSignedOut } from '../lib/api.ts'
import { push, route } from '../lib/url.ts'
import { loadSession } from '../sign-in/session.ts'
import { ConnectPage } from '../connect/connect-page.tsx'
import { Header, PAGES } from './header.tsx'
import { HelpDialog, openHelp } from './help-dialog.tsx'
import { Announcer } from './announcer.tsx'
import { lazyPage } from './lazy-page.tsx'
import { Notice } from '../components/notice.tsx'
import { TracePage } from '../trace/trace-page.tsx'
import { TracesPage } from '../traces/traces-page.tsx'

const TopologyPage = lazyPage(async () => (await import('../topology/topology-page.tsx')).TopologyPage)
const MessagesPage = lazyPage(async () => (await import('../messages/messages-page.tsx')).MessagesPage)
const LogsPage = lazyPage(async () => (await import('../logs/logs-page.tsx')).LogsPage)
const MetricsPage = lazyPage(async () => (await import('../metrics/metrics-page.tsx')).MetricsPage)
const FlowPage = lazyPage(async () => (await import('../flow/flow-page.tsx')).FlowPage)

const KEYS: readonly KeyBinding[] = [
  { keys: ['?'], does: 'Keyboard shortcuts', run: openHelp },
  ...PAGES.map(({ key, title, path }) => ({ keys: [key], does: title, run: () => push(path) })),
]

const SignInPage = lazyPage(async () => (await import('../sign-in/sign-in-page.tsx')).SignInPage)

/** Without a session, only the sign-in page is mounted, so that polls and streams stop. */
export function App() {
  useEffect(() => void loadSession(), [])
  return isSignedOut.value ? <SignInPage /> : <Pages />
}

function Pages() {
  useEffect(() => watchStatus(), [])
  useKeys('Global', KEYS)
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        {renderPage(route.value)}
      </main>
      <HelpDialog />
      <Announcer />
    </>
  )
}

function renderPage(at: Route) {
  switch (at.page) {
    case 'traces':
      return <TracesPage query={at.query} />
    case 'trace':
      return <TracePage key={at.traceId} traceId={at.traceId} spanId={at.spanId} />
    case 'flow':
      return <FlowPage key={at.traceId} traceId={at.traceId} search={at.search} />
    case 'topology':
      return <TopologyPage query={at.query} />
    case 'messages':
      return <MessagesPage query={at.query} />
    case 'logs':
      return <LogsPage query={at.query} />
    case 'metrics':
      return <MetricsPage query={at.query} />
    case 'connect':
      return <ConnectPage />
    case 'unknown':
      return (
        <Notice icon="unplugged" title="Page not found" isPage>
          <p>
            <a href="./">View all traces</a>
          </p>
        </Notice>
      )
  }
}

function skipToMain(event: MouseEvent): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}
