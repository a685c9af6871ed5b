import { afterAll, beforeAll, expect, test } from 'vitest'
import { orderFlow, spanBook } from './flow-data.ts'
import { startSite, type Page, type Site } from './site.ts'
import { findViolations } from './accessibility-rules.ts'

let site: Site

beforeAll(async () => {
  site = await startSite()
  const flow = orderFlow(Date.now() - 300_000, 1)
  await site.send(flow.request, flow.traceId)
  const book = spanBook(Date.now() - 400_000, 2)
  const traceId = book.traceId(0)
  const root = book.add('billing', { traceId, name: 'month end', from: 0, to: 40 })
  book.send('billing', traceId, root, 'invoices', { from: 10, to: 20 })
  const slow = book.send('billing', traceId, root, 'reminders', { from: 20, to: 25 })
  book.consume('mailer', 'mailer', slow, { from: 42_000, to: 42_080 })
  await site.send(book.request(), traceId)
})

afterAll(async () => {
  await site?.[Symbol.asyncDispose]()
})

const rows = (page: Page) => page.locator('table.messages tbody tr')

test('a dead letter is listed with its attempts and errors, and opens its flow at the first failed attempt', async () => {
  const page = await site.open('/messages')
  await expect.poll(() => rows(page).count()).toBe(1)
  const rowText = (await rows(page).innerText()).replace(/\s+/g, ' ')
  expect(rowText).toMatch(
    /^orders .*1\.19 s gateway send orders payment card declined payment card declined orders\.dlq/,
  )
  await rows(page).locator('a.message-link').click()
  await page.waitForURL(/\/flow\/[0-9a-f]{32}\?end=[0-9a-f]{16}&span=/)
  // At the first failed attempt, with its error.
  await expect.poll(() => page.locator('.flow-row.selected').innerText()).toMatch(/payment\s+process orders\b(?!\.)/)
  const details = page.getByRole('complementary', { name: 'Details' })
  await expect.poll(() => details.innerText()).toMatch(/card declined[^]*error\.type\s+CardDeclined/)
  await page.close()
})

test('the messages page switches lists and filters them by mouse and by keyboard', async () => {
  const page = await site.open('/messages')
  await rows(page).first().waitFor()
  await page.getByRole('link', { name: 'Late', exact: true }).click()
  await page.waitForURL('**/messages?list=late')
  await expect.poll(() => rows(page).allInnerTexts()).toEqual([expect.stringContaining('reminders')])
  await expect.poll(() => page.locator('.results-bar .count').innerText()).toContain('1 message')
  await expect.poll(() => page.locator('.count-chart .bars i:not(.empty)').count()).toBe(1)
  await page.getByLabel('Min queue time').fill('2m')
  await page.getByLabel('Min queue time').press('Enter')
  await page.getByRole('heading', { name: 'No late messages' }).waitFor()

  await page.keyboard.press('Escape')
  await page.keyboard.press('h')
  await page.waitForURL(/list=unconsumed/)
  await expect.poll(() => rows(page).allInnerTexts()).toContainEqual(expect.stringContaining('invoices'))
  await page.keyboard.press('/')
  await expect.poll(() => page.locator('#message-topics option[value="invoices"]').count()).toBe(1)
  await page.keyboard.type('invoices')
  await page.keyboard.press('Enter')
  await page.waitForURL(/topic=invoices/)
  await expect.poll(() => rows(page).count()).toBe(1)
  await page.keyboard.press('Escape')
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/flow\//)
  await page.goBack()
  await page.waitForURL(/topic=invoices/)
  await page.close()
})

test('text typed into a filter stays when its suggestions arrive', async () => {
  const page = await site.open('/messages?list=unconsumed')
  const { promise: typed, resolve: sendSuggestions } = Promise.withResolvers<void>()
  await page.route('**/api/topology*', async (route) => {
    await typed
    await route.continue()
  })
  const topic = page.getByRole('combobox', { name: 'Topic' })
  await topic.pressSequentially('inv')
  sendSuggestions()
  await page.locator('#message-topics option[value="invoices"]').waitFor({ state: 'attached' })
  expect(await topic.inputValue()).toBe('inv')
  await page.close()
})

test('text that a filter rejected is gone once the filters are cleared', async () => {
  const page = await site.open('/messages?list=unconsumed&topic=invoices')
  const age = page.getByLabel('Min age')
  await age.fill('soon')
  await page.getByRole('button', { name: 'Clear' }).click()
  await page.waitForURL((url) => !url.searchParams.has('topic'))
  await expect.poll(() => age.inputValue()).toBe('')
  await page.close()
})

test('the unconsumed list has a row per group of the topic, and a filter for never consumed messages', async () => {
  const book = spanBook(Date.now() - 400_000, 3)
  const traceId = book.traceId(0)
  const root = book.add('shop', { traceId, name: 'sell', from: 0, to: 90 })
  const first = book.send('shop', traceId, root, 'sales', { from: 10, to: 12 })
  const second = book.send('shop', traceId, root, 'sales', { from: 20, to: 22 })
  book.send('shop', traceId, root, 'sales', { from: 30, to: 32 })
  book.consume('ledger', 'ledger', first, { from: 40, to: 44 })
  book.consume('ledger', 'ledger', second, { from: 46, to: 50 })
  book.consume('mail', 'mail', first, { from: 52, to: 60 })
  await site.send(book.request(), traceId)
  const page = await site.open('/messages?list=unconsumed&topic=sales')
  const groups = () => rows(page).locator('td:last-child').allInnerTexts()
  await expect.poll(async () => (await groups()).toSorted()).toEqual(['ledger', 'mail', 'mail'])
  // The searched range excludes messages that are too young.
  await expect
    .poll(() => page.locator('.results-bar').innerText())
    .toMatch(/to (\d{4}-\d\d-\d\d )?\d\d:\d\d \(up to 1m ago\)/)
  await page.getByLabel('Never consumed').check()
  await page.waitForURL(/never=1/)
  await expect.poll(groups).toEqual(['never consumed'])
  await expect.poll(() => page.locator('.results-bar').innerText()).toContain('Not consumed by any group')
  await page.goBack()
  await page.getByLabel('Topic').fill('sale')
  await page.getByLabel('Topic').press('Enter')
  // A part of a topic name matches no topic.
  await page.getByRole('heading', { name: 'No unconsumed messages with these filters' }).waitFor()
  await page.goBack()
  // A row's icon has the same label.
  const group = page.getByRole('combobox', { name: 'Consumer group' })
  await group.fill('ledger')
  await group.press('Enter')
  await expect.poll(groups).toEqual(['ledger'])
  await page.close()
})

test('an empty message list shows the searched range until the rest is loaded', async () => {
  const page = await site.open('/messages?list=redelivered')
  await page.getByRole('heading', { name: 'No redeliveries', exact: true }).waitFor()
  await page.route('**/api/messages/redelivered?*', async (route) => {
    const url = new URL(route.request().url())
    const isOlder = url.searchParams.has('cursor')
    // The server would reject the invented cursor.
    url.searchParams.delete('cursor')
    const response = await (await route.fetch({ url: url.href })).json()
    const middle = String((BigInt(response.startTimeUnixNano) + BigInt(response.endTimeUnixNano)) / 2n)
    await route.fulfill({
      json: isOlder
        ? { ...response, searched: { start: response.startTimeUnixNano, end: middle } }
        : {
            ...response,
            searched: { start: middle, end: response.endTimeUnixNano },
            complete: false,
            nextCursor: 'older',
          },
    })
  })
  await page.reload()
  await page.getByRole('heading', { name: /^No redeliveries from \d\d:\d\d to \d\d:\d\d$/ }).waitFor()
  await expect.poll(() => page.locator('.results-bar').innerText()).toMatch(/0\+ messages[^]*searched .* so far/)
  await page.getByRole('button', { name: 'Load older' }).click()
  await page.getByRole('heading', { name: 'No redeliveries', exact: true }).waitFor()
  await expect.poll(() => page.locator('.results-bar').innerText()).not.toContain('so far')
  await page.close()
})

test('the messages page shows the reason of a rejected request', async () => {
  const page = await site.open('/messages?list=late&after=soon')
  const alert = page.getByRole('alert')
  await alert.waitFor()
  await expect.poll(() => alert.textContent()).toContain('minQueueTime')
  await page.close()
  site.pageErrors.length = 0
})

test('axe reports no violations in both themes on the messages page', async () => {
  const page = await site.open('/messages')
  await rows(page).first().waitFor()
  expect(await findViolations(page)).toEqual([])
  await page.goto(`${site.server.url}/messages?list=redelivered`)
  await page.getByRole('heading', { name: 'No redeliveries' }).waitFor()
  expect(await findViolations(page)).toEqual([])
  await page.close()
})

test('the messages pages caused no script error, CSP violation or request to another host', () => {
  expect(site.pageErrors).toEqual([])
})
