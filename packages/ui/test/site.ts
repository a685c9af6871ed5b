import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StatusResponse } from '@spanlink/api-schema'
import { launchBrowser } from '@spanlink/testkit/browser'
import type { TracesRequest } from '@spanlink/testkit/otlp'
import { startSpanlink, type SpanlinkServer } from '@spanlink/testkit/spanlink'
import { build } from 'vite'

type Browser = Awaited<ReturnType<typeof launchBrowser>>
export type Page = Awaited<ReturnType<Browser['newPage']>>

export interface PageOptions {
  /** @default light */
  readonly colorScheme?: 'light' | 'dark'
  /** In CSS pixels. @default 1400 by 900 */
  readonly viewport?: { readonly width: number; readonly height: number }
}

/** The built pages, where the server finds them. */
export const builtDir = fileURLToPath(new URL('../../server/dist/ui', import.meta.url))

/** Builds the pages if missing; the root build keeps them up to date. */
export async function ensureBuilt(): Promise<void> {
  if (existsSync(`${builtDir}/index.html`)) return
  await build({ configFile: fileURLToPath(new URL('../vite.config.ts', import.meta.url)), logLevel: 'error' })
}

export interface Site {
  readonly server: SpanlinkServer
  readonly browser: Browser
  /**
   * Opens a page without stored settings. Its errors go to `pageErrors`: script errors, rejected
   * resources, requests to other hosts.
   */
  readonly open: (path: string, options?: PageOptions) => Promise<Page>
  readonly pageErrors: string[]
  /** Sends spans and waits until all are queryable, with their links. */
  readonly send: (request: TracesRequest, traceId: string) => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** Resolves when all acknowledged data is queryable: spans are so before their links. */
export async function untilStored(server: SpanlinkServer): Promise<void> {
  while (((await server.getJson('/api/status')) as StatusResponse).journal.bytes > 0) await setTimeout(50)
}

/** A server with the built pages, and a browser. */
export async function startSite(): Promise<Site> {
  await ensureBuilt()
  const server = await startSpanlink()
  const browser = await launchBrowser()
  // Pages share one context, and with it the cached assets: a page then takes 0.6 s of CPU time,
  // with a separate context 1.5 s.
  const context = await browser.newContext({ viewport: DEFAULT_VIEWPORT, reducedMotion: 'reduce' })
  // Not an assertion: a page alone needs a second, and 30 s (the default) have been too few beside
  // other suites.
  context.setDefaultTimeout(90_000)
  const pageErrors: string[] = []
  return {
    server,
    browser,
    pageErrors,
    async send(request, traceId) {
      const response = await server.sendSpans(request)
      if (!response.ok) throw new Error(`the receiver returned ${response.status}: ${await response.text()}`)
      await untilStored(server)
      const found = await fetch(`${server.url}/api/traces/${traceId}`)
      if (!found.ok) throw new Error(`trace ${traceId} was acknowledged but is not queryable`)
    },
    async open(path, options = {}) {
      const page = await context.newPage()
      await clearSettings(page, server.url)
      if (options.viewport !== undefined) await page.setViewportSize(options.viewport)
      if (options.colorScheme !== undefined) await page.emulateMedia({ colorScheme: options.colorScheme })
      page.on('pageerror', (error) => pageErrors.push(`${page.url()}: ${error.message}`))
      page.on('console', (message) => {
        if (message.type() !== 'error' || message.text().includes('status of 404')) return
        const why = message.text().includes('status of 5') ? `; server log: ${server.stderr().slice(-1000)}` : ''
        pageErrors.push(`${message.text()} ${message.location().url}${why}`)
      })
      page.on('request', (request) => {
        if (!request.url().startsWith(server.url)) pageErrors.push(`request to another host: ${request.url()}`)
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

const DEFAULT_VIEWPORT = { width: 1400, height: 900 }

/** Removes what an earlier page stored, such as a chosen theme; cached assets stay. */
async function clearSettings(page: Page, origin: string): Promise<void> {
  const session = await page.context().newCDPSession(page)
  await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'cookies,local_storage' })
  await session.detach()
}
