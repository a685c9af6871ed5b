import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshSeed, spanBook } from './flow-data.ts'
import { order, service, type Order } from './shop.ts'
import { startSite, type Site } from './site.ts'

let site: Site
let first: Order

beforeAll(async () => {
  site = await startSite()
  const now = Date.now()
  first = order(now - 5000, 1)
  for (const { request, inventory } of [first, order(now - 9000, 2)]) await site.send(request, inventory)
})

afterAll(async () => {
  await site?.[Symbol.asyncDispose]()
})

describe('the trace pages, by mouse', () => {
  test('lead from a search to a producer, to its consumer and back', async () => {
    const page = await site.open('/')
    await page.getByLabel('Service').selectOption('gateway')
    await expect.poll(() => page.locator('table.traces tbody tr').count()).toBe(2)
    expect(page.url()).toContain('service=gateway')

    await page.locator('a.trace-link').first().click()
    await page.waitForURL(`**/trace/${first.gateway}`)
    const producer = page.getByRole('row').filter({ hasText: 'send orders' })
    await expect.poll(() => producer.textContent()).toContain('2 consumers')

    await producer.click()
    const links = page.getByRole('region', { name: 'Consumers' })
    const payment = links.getByRole('listitem').filter({ hasText: 'payment' })
    await payment.waitFor()
    await expect
      .poll(() => payment.textContent())
      .toMatch(/process orders[^]*queue time[^]*36 ms[^]*orders · partition 2 · offset 1042[^]*key[^]*customer-7/)

    await payment.getByRole('link').first().click()
    await page.waitForURL(`**/trace/${first.payment}?span=*`)
    const trail = page.getByRole('navigation', { name: 'Links followed' })
    await expect.poll(() => trail.textContent()).toContain('send orders')

    await page.goBack()
    await page.waitForURL(`**/trace/${first.gateway}?span=${first.sendSpan}`)
    await expect.poll(() => page.locator('.span-row.selected').textContent()).toContain('send orders')
    await page.close()
  })

  test('show the queue time of a child consumer, and clock skew only if it started before the send', async () => {
    const book = spanBook(Date.now() - 5000, freshSeed())
    const traceId = book.traceId(0)
    const root = book.add('front', { traceId, name: 'POST /orders', from: 0, to: 300 })
    const sent = book.send('front', traceId, root, 'orders', { from: 10, to: 40 })
    const late = book.consume('payment', 'payment', sent, { from: 140, to: 160, asChild: true })
    book.consume('mail', 'mail', sent, { from: 25, to: 60, asChild: true })
    book.consume('fraud', 'fraud', sent, { from: 4, to: 50, asChild: true })
    await site.send(book.request(), traceId)
    const page = await site.open(`/trace/${traceId}?span=${late.spanId}`)
    const tag = (service: string, kind: string) => page.getByRole('row').filter({ hasText: service }).locator(kind)
    await expect.poll(() => tag('payment', '.queue-tag').innerText()).toBe('100 ms')
    await expect.poll(() => tag('mail', '.queue-tag').innerText()).toBe('15 ms')
    await expect.poll(() => tag('fraud', '.tag.warn').innerText()).toBe('−6 ms')
    expect(await tag('mail', '.tag.warn').count()).toBe(0)
    const details = page.getByRole('complementary', { name: 'Span details' })
    await expect.poll(() => details.locator('.pairs').first().innerText()).toMatch(/Queue time\s+100 ms/)
    await page.close()
  })

  test('show two spans that share an id with a row and details each', async () => {
    const book = spanBook(Date.now() - 5000, freshSeed())
    const traceId = book.traceId(0)
    const spanId = 'b3'.repeat(8)
    book.add('caller', { traceId, spanId, name: 'GET /stock', kind: 3, from: 0, to: 60 })
    book.add('callee', { traceId, spanId, name: 'GET /stock', kind: 2, from: 10, to: 50 })
    await site.send(book.request(), traceId)
    const page = await site.open(`/trace/${traceId}`)
    const details = page.getByRole('complementary', { name: 'Span details' })
    for (const [service, kind, other] of [
      ['callee', 'server', 'caller (client)'],
      ['caller', 'client', 'callee (server)'],
    ] as const) {
      await page.getByRole('row').filter({ hasText: service }).click()
      await expect.poll(() => details.locator('.panel-title').innerText()).toMatch(new RegExp(`${service}[^]*${kind}`))
      await expect.poll(() => details.innerText()).toContain(other)
      await expect.poll(() => page.locator('.span-row.selected').count()).toBe(1)
    }
    await page.close()
  })

  test('open a linked span directly from its URL', async () => {
    const page = await site.open(`/trace/${first.gateway}?span=${first.sendSpan}`)
    const link = page.getByRole('region', { name: 'Consumers' }).getByRole('link').first()
    const address = await link.getAttribute('href')
    expect(address).toMatch(/^trace\/[0-9a-f]{32}\?span=[0-9a-f]{16}$/)
    await page.goto(`${site.server.url}/${address}`)
    await page.getByRole('region', { name: 'Producers' }).waitFor()
    await page.close()
  })

  test('zoom by dragging over the minimap and reset on a double click', async () => {
    const page = await site.open(`/trace/${first.payment}`)
    const strip = page.locator('.minimap')
    const box = await strip.boundingBox()
    if (box === null) throw new Error('the minimap is not on the page')
    await page.mouse.move(box.x + box.width * 0.25, box.y + 20)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.5, box.y + 20, { steps: 4 })
    await page.mouse.up()
    await expect.poll(() => page.locator('.zoom-state').innerText()).toBe('20 ms from 20 ms')
    await strip.dblclick({ position: { x: 10, y: 20 } })
    await expect.poll(() => page.locator('.zoom-state').innerText()).toBe('Whole trace')
    await page.close()
  })

  test('show that no trace matches and clear the filters', async () => {
    const page = await site.open('/?minDuration=5m')
    await page.getByRole('heading', { name: 'No trace matches' }).waitFor()
    await page.getByRole('link', { name: 'clear filters' }).click()
    await expect.poll(() => page.locator('table.traces tbody tr').count()).toBeGreaterThanOrEqual(6)
    await page.close()
  })

  test('show the reason of a rejected filter', async () => {
    const page = await site.open('/?minDuration=soon')
    const alert = page.getByRole('alert')
    await alert.waitFor()
    await expect.poll(() => alert.textContent()).toContain('minDuration')
    await page.close()
    site.pageErrors.length = 0
  })
})

describe('the trace pages, by keyboard', () => {
  test('lead from the list to a trace, along its links and back', async () => {
    const page = await site.open('/?service=gateway')
    await page.locator('table.traces').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/trace/${first.gateway}`)
    await page.getByRole('treegrid').waitFor()

    await page.keyboard.press('j')
    await expect.poll(() => page.locator(':focus').textContent()).toContain('send orders')
    await page.keyboard.press('Enter')
    await page.getByRole('complementary', { name: 'Span details' }).waitFor()

    await page.keyboard.press(']')
    await page.waitForURL(
      (url) => url.pathname === `/trace/${first.payment}` || url.pathname === `/trace/${first.inventory}`,
    )
    await page.getByRole('region', { name: 'Producers' }).waitFor()
    await page.keyboard.press('[')
    await page.waitForURL(`**/trace/${first.gateway}?span=${first.sendSpan}`)
    await page.getByRole('treegrid').waitFor()
    await expect.poll(() => page.getByRole('navigation', { name: 'Links followed' }).count()).toBe(0)

    await page.keyboard.press('Escape')
    await page.waitForURL(`**/trace/${first.gateway}`)
    await expect.poll(() => page.getByRole('complementary').count()).toBe(0)
    await page.close()
  })

  test('search in a trace, collapse spans and open the help', async () => {
    const page = await site.open(`/trace/${first.payment}`)
    await page.getByRole('treegrid').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('acme')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.match-count').textContent()).toBe('1 of 1')
    await page.keyboard.press('Escape')

    await page.keyboard.press('k')
    await page.keyboard.press('h')
    const root = page.getByRole('row').filter({ hasText: 'process orders' })
    await expect.poll(() => root.getAttribute('aria-expanded')).toBe('false')
    await expect.poll(() => page.getByRole('treegrid').getAttribute('aria-rowcount')).toBe('2')
    // The URL restores the same rows.
    await page.waitForURL(/collapsed=all/)
    await page.reload()
    await expect.poll(() => root.getAttribute('aria-expanded')).toBe('false')
    await page.keyboard.press('l')
    await expect.poll(() => root.getAttribute('aria-expanded')).toBe('true')

    await page.keyboard.press('?')
    await expect.poll(() => page.getByRole('dialog').textContent()).toContain('Go to producer')
    await page.keyboard.press('Escape')
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0)
    await page.close()
  })

  test('continue from the last row after it scrolled out of view and lost focus', async () => {
    const book = spanBook(Date.now() - 5000, freshSeed())
    const traceId = book.traceId(0)
    const root = book.add('worker', { traceId, name: 'batch', from: 0, to: 900 })
    for (let nth = 0; nth < 400; nth += 1)
      book.add('worker', { traceId, parentSpanId: root, name: `step ${100 + nth}`, from: nth * 2, to: nth * 2 + 1 })
    await site.send(book.request(), traceId)
    const page = await site.open(`/trace/${traceId}`)
    await page.getByRole('treegrid').waitFor()
    const focused = () => page.locator(':focus').allTextContents()
    await page.keyboard.press('j')
    await expect.poll(focused).toEqual([expect.stringContaining('step 100')])

    await page.locator('.tree-body').evaluate((box) => (box.scrollTop = box.scrollHeight))
    await page.getByRole('row').filter({ hasText: 'step 499' }).waitFor()
    await expect.poll(focused).toEqual([])
    await page.keyboard.press('j')
    await expect.poll(focused).toEqual([expect.stringContaining('step 101')])
    await page.close()
  })

  test('announce that a trace has no consumer when the next-hop key is pressed', async () => {
    const page = await site.open(`/trace/${first.inventory}`)
    await page.getByRole('treegrid').waitFor()
    await page.keyboard.press(']')
    await expect.poll(() => page.getByRole('status').last().textContent()).toContain('No consumer seen yet')
    await page.close()
  })
})

test('the trace page opens a trace when it arrives and adds consumers that arrive later', async () => {
  const late = order(Date.now(), freshSeed())
  const [gateway, payment] = late.request.resourceSpans ?? []
  if (gateway === undefined || payment === undefined) throw new Error('the order has no services')
  const page = await site.open(`/trace/${late.gateway}?span=${late.sendSpan}`)
  await page.getByRole('heading', { name: 'Trace not found' }).waitFor()
  await site.server.sendSpans({ resourceSpans: [gateway] })
  await page.locator('.details-panel').getByText('No consumer seen yet').waitFor()
  await site.server.sendSpans({ resourceSpans: [payment] })
  const links = page.getByRole('region', { name: 'Consumers' })
  await expect.poll(() => links.textContent()).toContain('payment')
  await page.close()
})

test('the search and trace pages show hostile names as plain text', async () => {
  const evil = `<img src=x onerror="document.title='owned'">\u202Eevil\u0000`
  const traceId = 'e'.repeat(32)
  const now = Date.now()
  await site.send(
    {
      resourceSpans: [
        service(evil, [
          {
            traceId,
            spanId: 'e'.repeat(16),
            name: evil + 'x'.repeat(1_000_000),
            kind: 1,
            startTimeUnixNano: `${now}000000`,
            endTimeUnixNano: `${now + 5}000000`,
            attributes: [{ key: evil, value: { stringValue: 'y'.repeat(1_000_000) } }],
          },
        ]),
      ],
    },
    traceId,
  )
  const page = await site.open('/')
  const row = page.getByRole('row').filter({ hasText: 'onerror' })
  await row.waitFor()
  await expect.poll(() => row.textContent()).toContain('⟨202E⟩evil␀')
  expect((await row.boundingBox())?.height).toBeLessThan(40)
  await page.goto(`${site.server.url}/trace/${traceId}?span=${'e'.repeat(16)}`)
  await page.getByRole('complementary', { name: 'Span details' }).waitFor()
  await expect.poll(() => page.locator('img[src="x"]').count()).toBe(0)
  const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
  expect(width[0]).toBeLessThanOrEqual(width[1] ?? 0)
  await page.close()
})

test('the trace pages caused no script error, CSP violation or request to another host', () => {
  expect(site.pageErrors).toEqual([])
})
