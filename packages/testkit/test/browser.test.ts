import { expect, test } from 'vitest'
import { launchBrowser } from '../src/browser.ts'

test('the test browser runs the script of a page', async () => {
  const browser = await launchBrowser()
  try {
    const page = await browser.newPage()
    await page.setContent('<p>empty</p><script>document.querySelector("p").textContent = String(6 * 7)</script>')
    expect(await page.textContent('p')).toBe('42')
  } finally {
    await browser.close()
  }
})

test('a CHROMIUM_PATH that does not run is an error', async () => {
  process.env['CHROMIUM_PATH'] = '/nowhere/chromium'
  try {
    await expect(launchBrowser()).rejects.toThrow(/CHROMIUM_PATH=\/nowhere\/chromium does not run/)
  } finally {
    delete process.env['CHROMIUM_PATH']
  }
})
