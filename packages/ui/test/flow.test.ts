import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { denseFlow, freshSeed, orderFlow, spanBook, wideFlow } from './flow-data.ts'
import { post } from './shop-signals.ts'
import { startSite, type Page, type Site } from './site.ts'
import { findViolations } from './accessibility-rules.ts'

let site: Site
let order: string
let wide: string

beforeAll(async () => {
  site = await startSite()
  const now = Date.now()
  const flow = orderFlow(now - 300_000, 1)
  const many = wideFlow(now - 300_000, 2, 230)
  order = flow.traceId
  wide = many.traceId
  await site.send(flow.request, order)
  await site.send(many.request, wide)
})

afterAll(async () => {
  await site?.[Symbol.asyncDispose]()
})

const rows = (page: Page) => page.locator('.flow-row')
const cursor = (page: Page) => page.locator('.flow-row.cursor')

describe('the flow page, by mouse', () => {
  test('opens from a search row and shows critical path, clock skew and grouped consumers', async () => {
    const page = await site.open('/?service=gateway')
    await page.locator('table.traces').getByRole('link', { name: 'Flow' }).first().click()
    await page.waitForURL(`**/flow/${order}`)
    await rows(page).first().waitFor()
    await expect.poll(() => page.getByRole('heading', { level: 1 }).innerText()).toMatch(/gateway\s+POST \/orders/)
    const shares = await page.getByRole('region', { name: 'Critical path' }).innerText()
    expect(shares.replace(/\s+/g, ' ')).toMatch(/queue time in orders.retry 60% 806 ms payment 14%/)
    await expect
      .poll(() => page.getByRole('list', { name: 'Notes' }).innerText())
      .toContain('Clock skew: 1 message was consumed before the send')
    // One row for twelve parcels, and the consumer of all twelve below it.
    await expect.poll(() => rows(page).count()).toBe(8)
    await expect.poll(() => rows(page).filter({ hasText: '×12' }).innerText()).toContain('shipping')
    await page.close()
  })

  test('expands a group in place and a trace to its spans, and keeps both in the URL', async () => {
    const page = await site.open(`/flow/${order}`)
    await rows(page).filter({ hasText: '×12' }).click()
    await expect.poll(() => rows(page).count()).toBe(20)
    // The URL restores the same rows.
    await page.waitForURL(/unfolded=/)
    await page.reload()
    await expect.poll(() => rows(page).count()).toBe(20)
    await rows(page).filter({ hasText: 'orders.dlq' }).getByRole('button', { name: '2 spans' }).click()
    await rows(page).filter({ hasText: 'INSERT review_case' }).waitFor()
    await expect.poll(() => rows(page).count()).toBe(22)
    await page.waitForURL(/opened=/)
    await page.reload()
    await expect.poll(() => rows(page).count()).toBe(22)
    await page.close()
  })

  test('shows the details of a queue time with links to producer and critical path', async () => {
    const page = await site.open(`/flow/${order}`)
    await rows(page).filter({ hasText: 'process orders.retry' }).getByRole('link').click()
    const details = page.getByRole('complementary', { name: 'Details' })
    await details.getByRole('region', { name: 'Caused by' }).getByRole('link').click()
    await page.waitForURL(/edge=/)
    await expect.poll(() => details.innerText()).toMatch(/806 ms\s+in\s+orders\.retry/)
    await page.reload()
    await details.getByRole('region', { name: 'Producer' }).getByRole('link').click()
    await page.waitForURL(/span=/)
    await expect.poll(() => details.getByRole('heading', { level: 2 }).innerText()).toBe('send orders.retry')
    await details.getByRole('link', { name: 'Critical path to here' }).click()
    await page.waitForURL(/end=/)
    await expect.poll(() => page.getByRole('region', { name: 'Critical path' }).innerText()).not.toContain('orders.dlq')
    await page.close()
  })

  test('opens the queue details when the hatched queue bar is clicked', async () => {
    const page = await site.open(`/flow/${order}`)
    const cell = rows(page).filter({ hasText: 'process orders.retry' }).locator('.time-cell')
    const box = await cell.boundingBox()
    if (box === null) throw new Error('the row is not on the page')
    // 806 of 1334 ms, from 314 ms on.
    await page.mouse.click(box.x + box.width * 0.5, box.y + 12)
    await expect.poll(() => page.url()).toContain('edge=')
    await page.close()
  })

  test('notes that only the nearest traces are loaded and loads the rest', async () => {
    const page = await site.open(`/flow/${wide}`)
    const notes = page.getByRole('list', { name: 'Notes' })
    await expect.poll(() => notes.innerText()).toContain('Statistics cover the nearest 200')
    await notes.getByRole('button', { name: 'Load more' }).click()
    await expect.poll(() => page.locator('.facts').innerText()).toMatch(/Traces\s+231/)
    await expect.poll(() => notes.count()).toBe(0)
    await page.close()
  })
})

describe('the flow page, by keyboard', () => {
  test('moves along hops and back, and to a chosen next hop', async () => {
    const page = await site.open(`/flow/${order}`)
    await rows(page).first().waitFor()
    // The hop on the critical path comes first.
    await page.keyboard.press(']')
    await expect.poll(() => cursor(page).textContent()).toContain('payment')
    await expect.poll(() => page.locator('.announcer').textContent()).toContain('1 of 3 next hops over orders')
    await page.keyboard.press(']')
    await expect.poll(() => cursor(page).textContent()).toContain('orders.retry')
    await page.keyboard.press('[')
    await page.keyboard.press('[')
    await expect.poll(() => cursor(page).textContent()).toContain('POST /orders')

    await page.keyboard.press('Control+]')
    const dialog = page.getByRole('dialog', { name: 'Next hops' })
    await dialog.waitFor()
    await expect.poll(() => dialog.getByRole('listitem').count()).toBe(3)
    await page.keyboard.press('3')
    await expect.poll(() => cursor(page).textContent()).toContain('inventory')
    await page.keyboard.press(']')
    await expect.poll(() => cursor(page).textContent()).toContain('×12')
    await page.keyboard.press(']')
    await expect.poll(() => cursor(page).textContent()).toContain('email')
    await page.keyboard.press(']')
    await expect.poll(() => page.locator('.announcer').textContent()).toContain('No downstream consumer')
    await page.close()
  })

  test('selects rows, opens details, spans and the graph, and goes back', async () => {
    const page = await site.open(`/flow/${order}`)
    await rows(page).first().waitFor()
    await page.keyboard.press('j')
    await expect.poll(() => page.locator(':focus').textContent()).toContain('fraud')
    await page.keyboard.press('Enter')
    await page.getByRole('complementary', { name: 'Details' }).waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => page.getByRole('complementary').count()).toBe(0)
    await page.keyboard.press('k')
    await page.keyboard.press('o')
    await rows(page).filter({ hasText: 'validate cart' }).waitFor()
    await page.keyboard.press('g')
    await page.waitForURL(/view=graph/)
    await page.locator('.flow-node').first().waitFor()
    await expect.poll(() => page.locator('.flow-node').count()).toBe(8)
    await page.goBack()
    await page.getByRole('treegrid').waitFor()
    await page.close()
  })

  test('describes each bar of the canvas in an aria-label', async () => {
    const page = await site.open(`/flow/${order}`)
    const grid = page.getByRole('treegrid', { name: 'Traces of the flow' })
    const retry = grid.getByRole('row').filter({ hasText: 'process orders.retry' })
    await expect.poll(() => retry.getAttribute('aria-level')).toBe('3')
    const readLabel = (row: typeof retry) => row.getByRole('gridcell').last().getAttribute('aria-label')
    await expect
      .poll(() => readLabel(retry))
      .toContain('96 ms, starts at 1.12 s, waited 806 ms in orders.retry, on the critical path')
    const parcels = grid.getByRole('row').filter({ hasText: '×12' })
    await expect.poll(() => parcels.getAttribute('aria-expanded')).toBe('false')
    await expect.poll(() => readLabel(parcels)).toContain('12 traces from 190 ms to')
    await page.close()
  })
})

describe('a flow with a batch of several events', () => {
  let first: string
  let second: string
  let batch: { readonly traceId: string; readonly spanId: string }

  beforeAll(async () => {
    const book = spanBook(Date.now() - 250_000, freshSeed())
    const begin = (nth: number) => {
      const traceId = book.traceId(nth)
      const at = nth * 20
      const root = book.add('till', { traceId, name: `sale ${nth + 1}`, from: at, to: at + 15 })
      return book.send('till', traceId, root, 'sales', { from: at + 3, to: at + 9 })
    }
    const sales = [begin(0), begin(1), begin(2)]
    batch = book.consume('ledger', 'ledger', sales, { from: 90, to: 140, name: 'process batch' })
    const entry = book.send('ledger', batch.traceId, batch.spanId, 'entries', { from: 110, to: 115 })
    book.consume('audit', 'audit', entry, { from: 180, to: 200 })
    first = sales[0]?.traceId ?? ''
    second = sales[1]?.traceId ?? ''
    await site.send(book.request(), batch.traceId)
  })

  test('shows the batch without the other events, which can be loaded', async () => {
    const page = await site.open(`/flow/${second}`)
    await expect.poll(() => page.getByRole('heading', { level: 1 }).innerText()).toMatch(/till\s+sale 2/)
    await expect.poll(() => rows(page).count()).toBe(3)
    await rows(page).getByRole('link', { name: '+2 events' }).click()
    await page.waitForURL(/joined=1/)
    await expect.poll(async () => (await rows(page).allInnerTexts()).join()).toMatch(/sale 1[^]*sale 2[^]*sale 3/)
    await page.getByRole('link', { name: 'This event only' }).click()
    await expect.poll(() => rows(page).count()).toBe(3)
    await rows(page).filter({ hasText: 'process batch' }).locator('.lane-link').click()
    const joined = page.getByRole('complementary', { name: 'Details' }).getByRole('region', { name: 'Joined with' })
    await joined.getByRole('link', { name: /sale 1/ }).click()
    await page.waitForURL(`**/flow/${first}?span=*`)
    await expect.poll(() => page.getByRole('heading', { level: 1 }).innerText()).toMatch(/till\s+sale 1/)
    expect(await findViolations(page)).toEqual([])
    await page.close()
  })

  test('opened at the batch lists its events and marks the opened trace', async () => {
    const page = await site.open(`/flow/${batch.traceId}`)
    await expect.poll(() => page.getByRole('heading', { level: 1 }).innerText()).toMatch(/till\s+sale 1/)
    await expect.poll(() => page.locator('.flow-row.opened').innerText()).toMatch(/ledger\s+process batch/)
    await page.getByText('Caused by 3 events').click()
    await page
      .locator('.flow-origins')
      .getByRole('link', { name: /sale 3/ })
      .click()
    await expect.poll(() => page.getByRole('heading', { level: 1 }).innerText()).toMatch(/till\s+sale 3/)
    await page.close()
  })
})

test('a lane that ends at a receive span is marked in its row and its details', async () => {
  const book = spanBook(Date.now() - 180_000, freshSeed())
  const traceId = book.traceId(0)
  const root = book.add('web', { traceId, name: 'POST /orders', from: 0, to: 30 })
  const sent = book.send('web', traceId, root, 'clicks', { from: 5, to: 10 })
  book.consume('python', 'python', sent, { from: 60, to: 62, name: 'clicks receive', isReceive: true })
  await site.send(book.request(), traceId)
  const page = await site.open(`/flow/${traceId}`)
  const received = rows(page).filter({ hasText: 'clicks receive' })
  await expect.poll(() => received.innerText()).toContain('no process span')
  await received.locator('.lane-link').click()
  await page.getByRole('complementary', { name: 'Details' }).getByText('ended before the handler began').waitFor()
  await page.close()
})

test('a consumer group that has not consumed a message of the flow has a row and a graph node', async () => {
  const book = spanBook(Date.now() - 150_000, freshSeed())
  const before = book.traceId(0)
  const earlier = book.add('shop', { traceId: before, name: 'bill', from: -50_000, to: -49_990 })
  const known = book.send('shop', before, earlier, 'bills', { from: -49_999, to: -49_996 })
  book.consume('ledger', 'ledger', known, { from: -49_900, to: -49_890 })
  book.consume('mail', 'mail', known, { from: -49_880, to: -49_870 })
  const traceId = book.traceId(book.traceCount())
  const root = book.add('shop', { traceId, name: 'bill', from: 0, to: 30 })
  const sent = book.send('shop', traceId, root, 'bills', { from: 5, to: 10 })
  book.consume('ledger', 'ledger', sent, { from: 60, to: 80 })
  await site.send(book.request(), traceId)
  const page = await site.open(`/flow/${traceId}`)
  const missing = rows(page).filter({ hasText: 'not consumed by mail yet' })
  await missing.waitFor()
  expect(await missing.getByRole('gridcell').last().getAttribute('aria-label')).toMatch(
    /^Not consumed by mail from bills, waiting for 2m/,
  )
  await missing.click()
  const details = page.getByRole('complementary', { name: 'Details' })
  await expect.poll(() => details.getByRole('heading', { level: 2 }).innerText()).toBe('send bills')
  await page.keyboard.press('g')
  await page.locator('.flow-node.missing').waitFor()
  expect(await findViolations(page)).toEqual([])
  await page.close()
})

test('lane details show attributes and link to the failed child span with its error, events and logs', async () => {
  const now = Date.now() - 200_000
  const book = spanBook(now, freshSeed())
  const traceId = book.traceId(0)
  const root = book.add('gateway', { traceId, name: 'POST /refunds', from: 0, to: 40 })
  const sent = book.send('gateway', traceId, root, 'orders', { from: 10, to: 20 })
  const work = book.consume('payment', 'payment', sent, { from: 100, to: 160 })
  const failed = book.add('payment', {
    traceId: work.traceId,
    parentSpanId: work.spanId,
    name: 'charge card',
    from: 110,
    to: 150,
    status: { code: 2, message: 'card expired' },
    attributes: [{ key: 'card.network', value: { stringValue: 'acme-pay' } }],
    events: [
      {
        name: 'exception',
        timeUnixNano: `${now + 120}000000`,
        attributes: [{ key: 'exception.type', value: { stringValue: 'CardExpired' } }],
      },
    ],
  })
  await site.send(book.request(), traceId)
  await post(site.server, 'logs', {
    resourceLogs: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'payment' } }] },
        scopeLogs: [
          {
            logRecords: [
              {
                traceId: work.traceId,
                spanId: failed,
                timeUnixNano: `${now + 130}000000`,
                severityNumber: 17,
                body: { stringValue: 'acme-pay refused the card' },
              },
            ],
          },
        ],
      },
    ],
  })
  const page = await site.open(`/flow/${traceId}`)
  await rows(page).filter({ hasText: 'process orders' }).getByRole('link').click()
  const details = page.getByRole('complementary', { name: 'Details' })
  await expect.poll(() => details.innerText()).toMatch(/messaging\.consumer\.group\.name\s+payment/)
  await details
    .getByRole('region', { name: 'Errors' })
    .getByRole('link', { name: /charge card/ })
    .click()
  await expect.poll(() => details.getByRole('heading', { level: 2 }).innerText()).toBe('charge card')
  for (const text of [/card expired/, /card\.network\s+acme-pay/, /exception\.type\s+CardExpired/, /refused the card/])
    await expect.poll(() => details.innerText()).toMatch(text)
  expect(await findViolations(page)).toEqual([])
  await page.close()
})

test('the compare page shows two flows and their time differences, with separate keyboard focus', async () => {
  const other = orderFlow(Date.now() - 500_000, freshSeed())
  await site.send(other.request, other.traceId)
  const page = await site.open(`/flow/${order}`)
  await page.getByText('Compare…').click()
  await page.locator('.compare-menu').getByRole('link').first().click()
  await page.waitForURL(`**/flow/${order}?with=${other.traceId}`)
  const second = page.getByRole('region', { name: 'B flow' })
  await second.locator('.flow-row').first().waitFor()
  const differences = page.getByRole('region', { name: 'Differences' })
  await expect.poll(() => differences.innerText()).toMatch(/queue time in orders.retry\s+806 ms\s+806 ms\s+=/)
  // Keys act on the focused flow only.
  await second.locator('.flow-row').first().focus()
  await page.keyboard.press(']')
  await expect.poll(() => second.locator('.cursor').textContent()).toContain('payment')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Escape')
  expect(page.url()).toContain(`?with=${other.traceId}`)
  expect(await findViolations(page)).toEqual([])
  await page.goto(`${site.server.url}/flow/${order}?with=${'9'.repeat(32)}`)
  await page.getByRole('heading', { name: 'The flows could not be loaded' }).waitFor()
  await page.close()
})

test('a flow of 200 traces with 2,000 links is shown whole', async () => {
  const dense = denseFlow(Date.now() - 600_000, freshSeed(), 200, 10)
  await site.send(dense.request, dense.traceId)
  const page = await site.open(`/flow/${dense.traceId}`)
  await rows(page).first().waitFor()
  await page.keyboard.press('E')
  // Missing consumers are additional rows.
  await expect
    .poll(async () => Number(await page.getByRole('treegrid').getAttribute('aria-rowcount')))
    .toBeGreaterThanOrEqual(201)
  await page.keyboard.press('End')
  await expect.poll(() => cursor(page).count()).toBe(1)
  await page.close()
})

test('a consumer in the trace of its producer has its own lane with only its spans', async () => {
  const book = spanBook(Date.now() - 200_000, freshSeed())
  const traceId = book.traceId(0)
  const root = book.add('gateway', { traceId, name: 'POST /orders', from: 0, to: 40 })
  const sent = book.send('gateway', traceId, root, 'pledges', { from: 10, to: 20 })
  const work = book.consume('payment', 'payment', sent, { from: 100, to: 160, asChild: true })
  book.add('payment', { traceId, parentSpanId: work.spanId, name: 'charge', from: 110, to: 150 })
  await site.send(book.request(), traceId)
  const page = await site.open(`/flow/${traceId}`)
  await expect.poll(() => rows(page).count()).toBe(2)
  await rows(page).nth(1).getByRole('button', { name: '2 spans' }).click()
  await rows(page).filter({ hasText: 'charge' }).waitFor()
  // Only the spans of its part of the trace.
  await expect.poll(() => rows(page).count()).toBe(4)
  await page.close()
})

test('the flow page waits for a trace that is not stored yet, and shows an error for an invalid trace id', async () => {
  const late = orderFlow(Date.now() - 3000, freshSeed())
  const page = await site.open(`/flow/${late.traceId}`)
  await page.getByRole('heading', { name: 'Flow not found' }).waitFor()
  await site.server.sendSpans(late.request)
  await rows(page).first().waitFor()
  await page.goto(`${site.server.url}/flow/nonsense`)
  await expect.poll(() => page.getByRole('alert').textContent()).toContain('could not be loaded')
  await page.close()
  site.pageErrors.length = 0
})

test('the flow page shows hostile names as plain text', async () => {
  const evil = `<img src=x onerror="document.title='owned'">\u202Eevil`
  const book = spanBook(Date.now() - 200_000, freshSeed())
  const traceId = book.traceId(0)
  const root = book.add(evil, { traceId, name: evil.repeat(2000), from: 0, to: 40 })
  const sent = book.send(evil, traceId, root, evil, { from: 10, to: 20 })
  book.consume(`${evil}2`, evil, sent, { from: 50, to: 60 })
  await site.send(book.request(), traceId)
  for (const view of ['', '?view=graph']) {
    const page = await site.open(`/flow/${traceId}${view}`)
    await page
      .locator(view === '' ? '.flow-row' : '.flow-node')
      .nth(1)
      .waitFor()
    await expect.poll(() => page.locator('img[src="x"]').count()).toBe(0)
    const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    expect(width[0]).toBeLessThanOrEqual(width[1] ?? 0)
    await page.close()
  }
  const page = await site.open(`/flow/${traceId}?lane=${traceId}`)
  await page.getByRole('button', { name: /all .* characters/ }).waitFor()
  expect(await findViolations(page)).toEqual([])
  await page.close()
})

describe('axe reports no violations in both themes on the flow page', () => {
  test.each([
    ['with the timeline', '', '.flow-row', []],
    ['with details of a trace', '', '.flow-row', ['j', 'j', 'Enter']],
    ['with the graph', '?view=graph', '.flow-node', []],
    ['with the choice of next hops', '', '.flow-row', ['Control+]']],
  ] as const)('%s', async (_, search, shown, keys) => {
    const page = await site.open(`/flow/${order}${search}`)
    await page.locator(shown).first().waitFor()
    for (const key of keys) await page.keyboard.press(key)
    expect(await findViolations(page)).toEqual([])
    await page.close()
  })
})

test('the flow pages caused no script error, CSP violation or request to another host', () => {
  expect(site.pageErrors).toEqual([])
})
