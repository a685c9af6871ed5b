// The README's picture and recording, from the demo: node --conditions=spanlink:source
// scripts/docs/record-demo.ts. Needs ffmpeg, and a Chromium as the tests do.
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { launchBrowser } from '@spanlink/testkit/browser'
import { startDemo } from '@spanlink/testkit/demo'

const IMAGES = 'docs/images'
const VIEWPORT = { width: 1200, height: 700 }
const FRAME_MS = 120

type Page = Awaited<ReturnType<Awaited<ReturnType<typeof launchBrowser>>['newPage']>>

await using demo = await startDemo()
const [flowUrl = ''] = /http\S+\/flow\/\S+/.exec(demo.process.output()) ?? []
const browser = await launchBrowser()
const frames = await mkdtemp(join(tmpdir(), 'spanlink-recording-'))
try {
  await takePicture()
  await record()
} finally {
  await browser.close()
  await rm(frames, { recursive: true })
}

async function takePicture(): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 540 } })
  await page.goto(flowUrl)
  await page.locator('.flow-row').first().waitFor()
  await sleep(1000)
  await page.screenshot({ path: `${IMAGES}/flow.png` })
  await page.close()
}

/** Frames are taken while the steps run; each is shown for as long as it was the latest one. */
async function record(): Promise<void> {
  const page = await browser.newPage({ viewport: VIEWPORT })
  await page.goto(demo.url)
  await page.locator('table.traces tbody tr').first().waitFor()
  await showPointer(page)
  const taken: { readonly file: string; readonly atMs: number }[] = []
  const ended = new AbortController()
  const camera = (async () => {
    while (!ended.signal.aborted) {
      const file = join(frames, `${String(taken.length).padStart(4, '0')}.png`)
      const atMs = performance.now()
      await page.screenshot({ path: file })
      taken.push({ file, atMs })
      await sleep(Math.max(0, FRAME_MS - (performance.now() - atMs)))
    }
  })()
  await followAnOrder(page)
  ended.abort()
  await camera
  const list = taken.map(({ file, atMs }, at) => {
    const shownMs = (taken[at + 1]?.atMs ?? atMs + 1500) - atMs
    return `file '${file}'\nduration ${(shownMs / 1000).toFixed(3)}\n`
  })
  await writeFile(join(frames, 'list.txt'), list.join(''))
  const input = ['-y', '-loglevel', 'error', '-f', 'concat', '-safe', '0', '-i', join(frames, 'list.txt')]
  const output = ['-vf', 'fps=8', '-c:v', 'libwebp_anim', '-quality', '75', '-compression_level', '6', '-loop', '0']
  execFileSync('ffmpeg', [...input, ...output, `${IMAGES}/demo.webp`], { stdio: 'inherit' })
}

/** From the live list of dead letters to the flow of one, its graph, the stuck group and the topology. */
async function followAnOrder(page: Page): Promise<void> {
  await sleep(2500)
  await click(page, page.getByRole('navigation').getByRole('link', { name: 'Messages' }))
  await page.locator('table.messages tbody tr').first().waitFor()
  await sleep(1800)
  await page.goto(flowUrl)
  await showPointer(page)
  await page.locator('.flow-row').first().waitFor()
  await sleep(2000)
  await click(page, page.locator('.flow-row').filter({ hasText: 'payments.retry' }).first())
  await sleep(2500)
  await click(page, page.getByText('Graph', { exact: true }))
  await sleep(2200)
  await click(page, page.getByRole('navigation').getByRole('link', { name: 'Topology' }))
  await sleep(2800)
  await click(page, page.getByRole('navigation').getByRole('link', { name: 'Metrics' }))
  await sleep(2200)
}

async function click(page: Page, target: ReturnType<Page['locator']>): Promise<void> {
  const box = await target.boundingBox()
  if (box === null) throw new Error(`not on the page: ${String(target)}`)
  await page.mouse.move(box.x + Math.min(box.width / 2, 120), box.y + box.height / 2, { steps: 12 })
  await sleep(250)
  await target.click({ position: { x: Math.min(box.width / 2, 120), y: box.height / 2 } })
}

/** A headless browser draws no pointer. */
async function showPointer(page: Page): Promise<void> {
  await page.evaluate(`
    const pointer = document.createElement('div')
    pointer.style.cssText = 'position:fixed;z-index:9999;width:14px;height:14px;border-radius:50%;pointer-events:none;' +
      'background:#e8590caa;border:2px solid #fff;transform:translate(-50%,-50%);left:-50px'
    document.body.append(pointer)
    addEventListener('mousemove', ({ clientX, clientY }) => {
      pointer.style.left = clientX + 'px'
      pointer.style.top = clientY + 'px'
    })`)
}
