import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { launchBrowser } from '@spanlink/testkit/browser'
import type { TracesRequest } from '@spanlink/testkit/otlp'
import { startSpanlink, type SpanlinkServer } from '@spanlink/testkit/spanlink'
import { build } from 'vite'

type Browser = Awaited<ReturnType<typeof launchBrowser>>
type BrowserContextOptions = NonNullable<Parameters<Browser['newContext']>[0]>
export type Page = Awaited<ReturnType<Browser['newPage']>>

/** The built pages, where the server finds them. */
export const builtDir = fileURLToPath(new URL('../../server/dist/ui', import.meta.url))

/** Builds them where nobody has; the root's build keeps them fresh. */
export async function ensureBuilt(): Promise<void> {
  if (existsSync(`${builtDir}/index.html`)) return
  await build({ configFile: fileURLToPath(new URL('../vite.config.ts', import.meta.url)), logLevel: 'error' })
}

export interface Site {
  readonly server: SpanlinkServer
  readonly browser: Browser
  /**
   * A page that remembers what went wrong on it: script errors, refused resources, requests to
   * other hosts.
   */
  readonly open: (path: string, options?: BrowserContextOptions) => Promise<Page>
  readonly complaints: string[]
  /** Sends spans and waits until this trace of theirs can be read. */
  readonly send: (request: TracesRequest, traceId: string) => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** The real server with the real pages, in the real browser. */
export async function startSite(): Promise<Site> {
  await ensureBuilt()
  const server = await startSpanlink()
  const browser = await launchBrowser()
  const complaints: string[] = []
  return {
    server,
    browser,
    complaints,
    async send(request, traceId) {
      const response = await server.sendSpans(request)
      if (!response.ok) throw new Error(`the receiver answered ${response.status}: ${await response.text()}`)
      const until = Date.now() + 20_000
      while ((await fetch(`${server.url}/api/traces/${traceId}`)).status !== 200) {
        if (Date.now() > until) throw new Error(`trace ${traceId} was acked and cannot be read`)
        await setTimeout(100)
      }
    },
    async open(path, options) {
      const context = await browser.newContext({
        viewport: { width: 1400, height: 900 },
        reducedMotion: 'reduce',
        ...options,
      })
      // Not an assertion: a page alone needs a second, and 30 s (the default) have been too few
      // beside other suites.
      context.setDefaultTimeout(90_000)
      const page = await context.newPage()
      page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`))
      page.on('console', (message) => {
        if (message.type() !== 'error' || message.text().includes('status of 404')) return
        const why = message.text().includes('status of 5') ? `; the server said: ${server.stderr().slice(-1000)}` : ''
        complaints.push(`${message.text()} ${message.location().url}${why}`)
      })
      page.on('request', (request) => {
        if (!request.url().startsWith(server.url)) complaints.push(`asked another host: ${request.url()}`)
      })
      await page.goto(server.url + path)
      return page
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      await server.stop()
    },
  }
}
