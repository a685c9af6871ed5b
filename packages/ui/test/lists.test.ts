import { afterAll, beforeAll, expect, test } from 'vitest'
import { spanBook } from './flow-data.ts'
import { startSite, type Page, type Site } from './site.ts'

const TRACES = 130

let site: Site

beforeAll(async () => {
  site = await startSite()
  const book = spanBook(Date.now() - 600_000, 21)
  for (let nth = 0; nth < TRACES; nth += 1)
    book.add('lister', { traceId: book.traceId(nth), name: `item ${nth}`, from: nth * 100, to: nth * 100 + 7 })
  await site.send(book.request(), book.traceId(TRACES - 1))
})

afterAll(async () => {
  await site?.[Symbol.asyncDispose]()
})

const names = (page: Page) => page.locator('table.traces .operation').allInnerTexts()
const newestFirst = Array.from({ length: TRACES }, (_, nth) => `item ${TRACES - 1 - nth}`)

test.each([
  ['a query', '/?q=%7B%20resource.service.name%20%3D%20%22lister%22%20%7D'],
  ['filters', '/?service=lister'],
])('search results of %s are loaded page by page to the end', async (_, path) => {
  const page = await site.open(path)
  await expect.poll(() => names(page)).toEqual(newestFirst.slice(0, 50))
  await page.getByRole('button', { name: 'Load older' }).click()
  await expect.poll(() => names(page)).toEqual(newestFirst)
  expect(await page.getByRole('button', { name: 'Load older' }).count()).toBe(0)
  await page.close()
})

test('a search without matches shows the searched range until all time is searched', async () => {
  const page = await site.open('/?service=lister')
  await page.locator('a.trace-link').first().waitFor()
  await page.route('**/api/traces?*operation=nothing*', async (route) => {
    const isOlder = new URL(route.request().url()).searchParams.has('cursor')
    const middle = `${Date.now() - 600_000}000000`
    await route.fulfill({
      json: isOlder
        ? { traces: [], searched: { start: '0', end: middle }, complete: true }
        : { traces: [], searched: { start: middle, end: `${Date.now()}000000` }, complete: false, nextCursor: '1.2' },
    })
  })
  await page.getByLabel('Span name').fill('nothing')
  await page.getByLabel('Span name').press('Enter')
  await page.getByRole('heading', { name: /^No trace matches from \d\d:\d\d to \d\d:\d\d$/ }).waitFor()
  await page.getByRole('button', { name: 'Load older' }).click()
  await page.getByRole('heading', { name: 'No trace matches', exact: true }).waitFor()
  expect(await page.locator('.notice').innerText()).toContain('Searched all time.')
  await page.close()
})

test('an empty heat map shows the searched range while older spans are unsearched', async () => {
  const page = await site.open('/?service=lister&last=1h')
  await page.getByRole('img', { name: /Durations over time: \d+ spans/ }).waitFor()
  await page.route('**/api/heatmap?*', async (route) => {
    const response = await (await route.fetch()).json()
    const start = `${Date.now() - 600_000}000000`
    await route.fulfill({
      json: { ...response, cells: [], searched: { ...response.searched, start }, complete: false },
    })
  })
  await page.reload()
  const area = page.locator('.heatmap-area')
  await area.getByText(/^No spans from \d\d:\d\d to \d\d:\d\d\. Older spans have not been searched yet\.$/).waitFor()
  await expect.poll(() => area.locator('.unsearched').getAttribute('title')).toMatch(/Searched \d\d:\d\d to/)
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  await page.close()
})

test('the trace and flow pages note unreadable stored parts, also when the trace is not found', async () => {
  const traceId = spanBook(0, 21).traceId(0)
  const page = await site.open(`/trace/${traceId}`)
  const notes = page.getByRole('list', { name: 'Notes' })
  await page.getByRole('row').filter({ hasText: 'item 0' }).waitFor()
  expect(await notes.count()).toBe(0)
  await page.route(/\/api\/(traces\/.*\/skeleton|flows\/.*)$/, async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...(await response.json()), missingParts: true } })
  })
  await page.reload()
  await expect.poll(() => notes.innerText()).toContain('Parts of the stored data cannot be read: spans may be missing')
  await page.goto(`${site.server.url}/flow/${traceId}`)
  await expect.poll(() => notes.innerText()).toContain('cannot be read: traces and spans may be missing')
  for (const kind of ['trace', 'flow']) {
    await page.goto(`${site.server.url}/${kind}/${'e'.repeat(32)}`)
    await page.getByText('Parts of the stored data cannot be read: the trace may be missing').waitFor()
  }
  await page.close()
})

test('a failed page of search results shows an error and can be retried', async () => {
  const page = await site.open('/?service=lister')
  await page.route('**/api/traces?*cursor*', async (route) => await route.abort(), { times: 1 })
  await page.getByRole('button', { name: 'Load older' }).click()
  await page.getByRole('alert').filter({ hasText: "Can't reach the server" }).waitFor()
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect.poll(() => names(page)).toEqual(newestFirst)
  await page.close()
  site.pageErrors.length = 0
})

test('Back restores the loaded rows and the focus of the opened row', async () => {
  const page = await site.open('/?service=lister')
  await page.getByRole('button', { name: 'Load older' }).click()
  const opened = page.locator('a.trace-link').filter({ hasText: 'item 20' })
  // Times and counts have a tooltip; a click on them opens the row too.
  await page.locator('table.traces tr').filter({ has: opened }).locator('time').click()
  await page.waitForURL('**/trace/*')
  await page.getByRole('treegrid').waitFor()
  await page.goBack()
  await expect.poll(() => names(page)).toEqual(newestFirst)
  await expect.poll(() => opened.evaluate((link) => link === document.activeElement)).toBe(true)
  expect(await opened.evaluate((link) => link.getBoundingClientRect().bottom < innerHeight)).toBe(true)
  await page.keyboard.press('j')
  await expect.poll(() => page.locator(':focus').innerText()).toContain('item 19')
  await page.close()
})

test('the search lists caused no script error, CSP violation or request to another host', () => {
  expect(site.pageErrors).toEqual([])
})
