// Screenshots of every page and state, in both themes and two widths: npm run
// screenshots -w packages/ui -- DIRECTORY [PART_OF_A_NAME…]
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { denseFlow, landscape, orderFlow, spanBook } from './flow-data.ts'
import { sendBusySignals } from './busy-signals.ts'
import { sendLag, sendSignals } from './shop-signals.ts'
import { order } from './shop.ts'
import { startSite, type Page } from './site.ts'

const [directory = 'test-results/screenshots', ...given] = process.argv.slice(2)
const parts = given.length === 0 ? [''] : given
const SIZES = [
  ['light', 1400, 900],
  ['dark', 1400, 900],
  ['light', 800, 900],
] as const

/** `shown`: selector to wait for before the screenshot. */
interface State {
  readonly name: string
  readonly path: string
  readonly shown: string
  readonly act?: (page: Page) => Promise<unknown>
  /** Instead of the usual sizes. */
  readonly size?: readonly [width: number, height: number]
}

await mkdir(directory, { recursive: true })
await using site = await startSite()
await take([
  { name: 'traces-none', path: '/', shown: '.notice' },
  { name: 'topology-none', path: '/topology', shown: '.notice' },
  { name: 'messages-none', path: '/messages', shown: '.notice' },
  { name: 'logs-none', path: '/logs', shown: '.notice' },
  { name: 'metrics-none', path: '/metrics', shown: '.notice' },
  { name: 'connect', path: '/connect', shown: '.steps' },
])

const now = Date.now()
const shop = orderFlow(now - 300_000, 1)
const other = orderFlow(now - 900_000, 2)
const dense = denseFlow(now - 1_500_000, 3, 200, 10)
const simple = order(now - 5000, 1)
const late = lateMessages()
const big = manySpans()
const batch = batchOfSales()
for (const one of [shop, other, dense, late, big, batch]) await site.send(one.request, one.traceId)
for (let nth = 1; nth <= 40; nth += 1) {
  const sent = order(now - 5000 - nth ** 2 * 1500, nth)
  await site.send(sent.request, sent.inventory)
}
await sendSignals(site.server, now, simple)
await sendBusySignals(site.server, now, simple)
await sendLag(site.server, { topic: 'orders', group: 'payment', messages: 1840 })

const key = (name: string) => async (page: Page) => await page.keyboard.press(name)
await take([
  { name: 'traces', path: '/', shown: 'table.traces' },
  {
    name: 'traces-completion',
    path: '/',
    shown: 'table.traces',
    act: async (page) => {
      await page.keyboard.press('/')
      await page.keyboard.type('{ resource.service.name = "')
      await page.getByRole('option').first().waitFor()
    },
  },
  { name: 'traces-query', path: '/?q=%7B%20%7D%20-%3E%3E%20%7B%20status%20%3D%20error%20%7D', shown: 'a.matched' },
  { name: 'traces-wrong-query', path: '/?q=%7B%20.a%20%3D%20%7D', shown: '.notice' },
  { name: 'traces-no-match', path: '/?minDuration=5m', shown: '.notice' },
  { name: 'traces-groups', path: '/?by=resource.service.name', shown: 'table.grouped' },
  { name: 'traces-paused', path: '/', shown: 'table.traces', act: key('p') },
  { name: 'help', path: `/trace/${shop.traceId}`, shown: '.span-row', act: key('?') },
  { name: 'trace', path: `/trace/${shop.traceId}`, shown: '.span-row' },
  { name: 'trace-panel', path: `/trace/${simple.gateway}?span=${simple.sendSpan}`, shown: '.link-item' },
  { name: 'trace-many', path: `/trace/${big.traceId}`, shown: '.span-row' },
  { name: 'trace-many-all', path: `/trace/${big.traceId}`, shown: '.span-row', act: key('E') },
  { name: 'trace-fan-in', path: `/trace/${late.batchTrace}?span=${late.batchSpan}`, shown: '.link-group' },
  { name: 'trace-events', path: `/trace/${big.traceId}?span=${big.eventSpan}`, shown: '.details-panel h2' },
  { name: 'trace-missing', path: `/trace/${'a'.repeat(32)}`, shown: '.notice' },
  { name: 'flow', path: `/flow/${shop.traceId}`, shown: '.flow-row' },
  {
    name: 'flow-lane',
    path: `/flow/${shop.traceId}`,
    shown: '.flow-row',
    act: async (page) => {
      await page.keyboard.press('j')
      await page.keyboard.press('Enter')
      await page.getByRole('complementary', { name: 'Details' }).waitFor()
    },
  },
  {
    name: 'flow-open',
    path: `/flow/${shop.traceId}`,
    shown: '.flow-row',
    act: async (page) => {
      await page.keyboard.press('o')
      await page.locator('.flow-row.span').first().waitFor()
    },
  },
  { name: 'flow-branches', path: `/flow/${shop.traceId}`, shown: '.flow-row', act: key('Control+]') },
  { name: 'flow-graph', path: `/flow/${shop.traceId}?view=graph`, shown: '.graph-node' },
  { name: 'flow-compare', path: `/flow/${shop.traceId}?with=${other.traceId}`, shown: '.flow-row' },
  { name: 'flow-dense', path: `/flow/${dense.traceId}`, shown: '.flow-row' },
  { name: 'flow-dense-all', path: `/flow/${dense.traceId}`, shown: '.flow-row', act: key('E') },
  { name: 'flow-batch', path: `/flow/${batch.traceId}`, shown: '.flow-row.missing' },
  { name: 'flow-batch-graph', path: `/flow/${batch.traceId}?view=graph`, shown: '.flow-node.missing' },
  {
    name: 'flow-batch-opened',
    path: `/flow/${batch.batchTrace}?lane=${batch.batchTrace}`,
    shown: '.flow-row.opened',
    act: async (page) => await page.getByText(/Caused by \d+ events/).click(),
  },
  { name: 'flow-batch-joined', path: `/flow/${batch.traceId}?joined=1`, shown: '.flow-row' },
  {
    name: 'status-notices',
    path: '/',
    shown: 'table.traces',
    act: async (page) => {
      await page.route('**/api/status', async (route) => {
        const response = await (await route.fetch()).json()
        await route.fulfill({
          json: {
            ...response,
            quarantine: { segments: 2, bytes: 2_400_000, lastError: 'memory limit exceeded' },
            corruptParts: { count: 1, bytes: 40_000, tables: ['spans'] },
          },
        })
      })
      await page.getByText('2 notices').click()
    },
  },
  { name: 'flow-missing', path: `/flow/${'a'.repeat(32)}`, shown: '.notice' },
  { name: 'topology', path: '/topology', shown: '.topology-node' },
  { name: 'topology-wide', path: '/topology', shown: '.topology-node', size: [1920, 1080] },
  { name: 'topology-node', path: '/topology?node=service%3Apayment', shown: '.details-panel' },
  { name: 'messages-dead', path: '/messages', shown: 'table.messages' },
  { name: 'messages-late', path: '/messages?list=late', shown: 'table.messages' },
  {
    name: 'messages-never',
    path: '/messages?list=unconsumed&never=1',
    shown: 'table.messages',
  },
  { name: 'messages-unconsumed', path: '/messages?list=unconsumed', shown: 'table.messages' },
  { name: 'messages-redelivered', path: '/messages?list=redelivered', shown: '.notice, table.messages' },
  { name: 'messages-retried', path: '/messages?list=retried', shown: '.notice, table.messages' },
  { name: 'logs', path: '/logs', shown: '.logs' },
  {
    name: 'logs-open',
    path: '/logs',
    shown: '.logs',
    act: async (page) => await page.locator('.logs summary').first().click(),
  },
  { name: 'metrics', path: '/metrics?name=http.server.request.duration', shown: '.uplot' },
  {
    name: 'metrics-groups',
    path: '/metrics?name=messaging.client.consumed.messages&groupBy=service',
    shown: '.uplot',
  },
  { name: 'metrics-many', path: '/metrics?name=kafka.partition.depth&groupBy=partition', shown: '.uplot' },
  {
    name: 'metrics-buckets-groups',
    path: '/metrics?name=http.server.request.duration&view=buckets&groupBy=service',
    shown: '.bucket-map',
  },
  { name: 'metrics-buckets', path: '/metrics?name=http.server.request.duration&view=buckets', shown: '.bucket-map' },
  { name: 'connect-alive', path: '/connect', shown: '.steps' },
  { name: 'not-a-page', path: '/nowhere', shown: '.notice' },
  {
    name: 'server-gone',
    path: '/',
    shown: 'table.traces',
    act: async (page) => {
      await page.route('**/api/**', async (route) => await route.abort())
      await page.getByLabel('Service').selectOption('payment')
      await page.locator('.notice').waitFor()
    },
  },
])

await site.server.sendSpans(landscape(Date.now() - 600_000, 9, 100, 300))
await take([
  { name: 'topology-large', path: '/topology', shown: '.topology-node' },
  {
    name: 'topology-large-all',
    path: '/topology',
    shown: '.topology-node',
    act: async (page) => {
      await page.getByRole('link', { name: 'Show all' }).click()
      await page.locator('.graph-stage:not(.busy)').waitFor()
    },
  },
])

const evil = hostileNames()
await site.send(evil.request, evil.traceId)
await take([
  { name: 'hostile-traces', path: '/?last=5m', shown: 'table.traces' },
  { name: 'hostile-groups', path: '/?last=5m&by=name', shown: 'table.grouped' },
  { name: 'hostile-trace', path: `/trace/${evil.traceId}?span=${evil.sendSpan}`, shown: '.link-item' },
  { name: 'hostile-flow', path: `/flow/${evil.traceId}?span=${evil.sendSpan}`, shown: '.flow-row' },
  { name: 'hostile-flow-graph', path: `/flow/${evil.traceId}?view=graph`, shown: '.graph-node' },
  { name: 'hostile-messages', path: '/messages?list=late&after=1ms', shown: 'table.messages' },
  { name: 'hostile-topology', path: '/topology?q=evil', shown: '.topology-node' },
])

async function take(states: readonly State[]): Promise<void> {
  for (const { name, path, shown, act, size } of states) {
    if (!parts.some((part) => name.includes(part))) continue
    const sizes = size === undefined ? SIZES : (['light', 'dark'] as const).map((theme) => [theme, ...size] as const)
    for (const [colorScheme, width, height] of sizes) {
      const page = await site.open(path, { colorScheme, viewport: { width, height } })
      const file = `${name}-${colorScheme}-${width}.png`
      try {
        await page.locator(shown).first().waitFor({ timeout: 15_000 })
        await act?.(page)
        await page.evaluate(async () => await document.fonts.ready)
        await page.waitForTimeout(300)
      } catch (error) {
        process.stderr.write(`${file}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}\n`)
      }
      await page.screenshot({ path: join(directory, file) })
      await page.close()
    }
  }
}

/** One unconsumed message, one late message, and a batch of 120. */
function lateMessages() {
  const book = spanBook(now - 400_000, 11)
  const traceId = book.traceId(0)
  const root = book.add('billing', { traceId, name: 'month end', from: 0, to: 700 })
  book.send('billing', traceId, root, 'invoices', { from: 10, to: 20 })
  const slow = book.send('billing', traceId, root, 'reminders', { from: 20, to: 25 })
  book.consume('mailer', 'mailer', slow, { from: 42_000, to: 42_080 })
  const many = Array.from({ length: 120 }, (_, nth) =>
    book.send('billing', traceId, root, nth % 3 === 0 ? 'statements' : 'receipts', {
      from: 30 + nth * 5,
      to: 33 + nth * 5,
    }),
  )
  const batch = book.consume('archive', 'archive', many, { from: 900, to: 1400, name: 'process batch' })
  return { traceId, request: book.request(), batchTrace: batch.traceId, batchSpan: batch.spanId }
}

/** Three sales consumed in one batch; another group of the topic consumed only an earlier sale. */
function batchOfSales() {
  const book = spanBook(now - 250_000, 14)
  const begin = (nth: number) => {
    const traceId = book.traceId(nth)
    const root = book.add('till', {
      traceId,
      name: `POST /sales/${nth + 1}`,
      kind: 2,
      from: nth * 20,
      to: nth * 20 + 15,
    })
    return book.send('till', traceId, root, 'sales', { from: nth * 20 + 3, to: nth * 20 + 9 })
  }
  const sales = [begin(0), begin(1), begin(2)]
  const [first] = sales
  if (first === undefined) throw new Error('there are three sales')
  const batch = book.consume('ledger', 'ledger', sales, { from: 90, to: 140, name: 'process batch' })
  const entry = book.send('ledger', batch.traceId, batch.spanId, 'entries', { from: 110, to: 115 })
  book.consume('audit', 'audit', entry, { from: 180, to: 230 })
  const other = book.add('till', {
    traceId: 'd'.repeat(32),
    name: 'POST /sales/0',
    kind: 2,
    from: -90_000,
    to: -89_980,
  })
  const earlier = book.send('till', 'd'.repeat(32), other, 'sales', { from: -89_997, to: -89_990 })
  book.consume('mail', 'receipts-by-mail', earlier, { from: -89_900, to: -89_880 })
  return { traceId: first.traceId, batchTrace: batch.traceId, request: book.request() }
}

/** A deep trace with similar siblings, errors and events. */
function manySpans() {
  const book = spanBook(now - 200_000, 12)
  const traceId = book.traceId(0)
  const root = book.add('checkout', { traceId, name: 'POST /checkout', kind: 2, from: 0, to: 900 })
  let above = root
  for (let depth = 0; depth < 6; depth += 1)
    above = book.add(depth % 2 === 0 ? 'cart' : 'pricing', {
      traceId,
      parentSpanId: above,
      name: `resolve level ${depth}`,
      from: 10 + depth * 12,
      to: 420 - depth * 20,
    })
  for (let nth = 0; nth < 40; nth += 1)
    book.add('pricing', {
      traceId,
      parentSpanId: above,
      name: 'SELECT price',
      kind: 3,
      from: 80 + nth * 5,
      to: 84 + nth * 5,
    })
  const eventSpan = book.add('stock', {
    traceId,
    parentSpanId: root,
    name: 'reserve items with a name that is longer than its column usually has room for, so that it is cut',
    from: 430,
    to: 880,
    status: { code: 2, message: 'warehouse 7 did not response in time' },
    attributes: [
      { key: 'warehouse.id', value: { intValue: '7' } },
      { key: 'http.request.header.x-very-long-header-name-of-a-proxy', value: { stringValue: 'v'.repeat(160) } },
    ],
    events: [
      { name: 'retry', timeUnixNano: `${now - 200_000 + 500}000000`, attributes: [] },
      {
        name: 'exception',
        timeUnixNano: `${now - 200_000 + 870}000000`,
        attributes: [
          { key: 'exception.type', value: { stringValue: 'TimeoutError' } },
          {
            key: 'exception.stacktrace',
            value: {
              stringValue: 'TimeoutError: no response\n    at reserve (stock.js:12:3)\n    at main (stock.js:40:1)',
            },
          },
        ],
      },
    ],
  })
  return { traceId, eventSpan, request: book.request() }
}

/**
 * Markup, bidirectional control characters and a megabyte of text in every name.
 */
function hostileNames() {
  const evil = `<img src=x onerror="alert(1)">\u202Eevil\u0000 \u05E9\u05DC\u05D5\u05DD`
  const long = evil + 'x'.repeat(1_000_000)
  const book = spanBook(Date.now() - 4000, 13)
  const traceId = book.traceId(0)
  const attributes = [{ key: evil, value: { stringValue: 'y'.repeat(1_000_000) } }]
  const root = book.add(long, { traceId, name: long, kind: 2, from: 0, to: 90, attributes })
  const sent = book.send(evil, traceId, root, long.slice(0, 3000), { from: 10, to: 20 })
  book.consume(long, long.slice(0, 2000), sent, { from: 140, to: 200, name: long, error: long })
  return { traceId, sendSpan: sent.spanId, request: book.request() }
}
