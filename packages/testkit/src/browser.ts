import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'
import { aptInstall } from './install/apt.ts'
import { cacheDir, progress } from './install/cache.ts'
import { command } from './process/command.ts'

/** Launches headless Chromium for browser tests through Playwright, without background requests. */
export async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: await chromiumPath(),
    args: [
      // As root, which is common in containers, Chromium refuses to run with its sandbox.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      // The usual 64 MB of /dev/shm in containers is too little for a large page.
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  })
}

/**
 * The Chromium to use: `CHROMIUM_PATH`, else an installed one, else one installed by apt if
 * permitted, else Playwright's download in our cache. Throws with a fix.
 */
export async function chromiumPath(): Promise<string> {
  const asked = process.env['CHROMIUM_PATH']
  if (asked) {
    const problem = await chromiumProblem(asked)
    if (problem) throw new Error(`CHROMIUM_PATH=${asked} does not run: ${problem}`)
    return asked
  }
  const installed = (await firstWorking(INSTALLED)) ?? (await firstWorking([downloadedPath()]))
  if (installed) return installed

  const apt = await installByApt()
  if (typeof apt === 'object') return apt.path
  const download = await downloadByPlaywright()
  if (typeof download === 'object') return download.path
  throw new Error(
    `No Chromium to test in.\n` +
      `  by apt: ${apt}\n` +
      `  by Playwright: ${download}\n` +
      `  your own: set CHROMIUM_PATH to a Chromium or Chrome program`,
  )
}

const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

async function firstWorking(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    if (existsSync(path) && !(await chromiumProblem(path))) return path
  }
  return undefined
}

/** Ubuntu's `chromium` may be a script that requires a snap, so it is run once. */
async function chromiumProblem(path: string): Promise<string | undefined> {
  const { code, stderr } = await command(path, ['--version'], { timeout: 20_000 })
  return code === 0 ? undefined : stderr.trim().split('\n')[0] || `exit code ${code}`
}

type Installed = { readonly path: string }

async function installByApt(): Promise<Installed | string> {
  const problem = await aptInstall(['chromium'], '100 MB')
  if (problem) return problem
  const path = await firstWorking(INSTALLED)
  return path ? { path } : 'apt-get install chromium gave no Chromium that runs'
}

async function downloadByPlaywright(): Promise<Installed | string> {
  progress("downloading Playwright's Chromium (about 180 MB, once)")
  const cli = join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js')
  const result = await command(process.execPath, [cli, 'install', 'chromium'], {
    env: { ...process.env, PLAYWRIGHT_BROWSERS_PATH: browsersDir() },
  })
  const path = downloadedPath()
  if (result.code === 0 && existsSync(path)) {
    const problem = await chromiumProblem(path)
    return problem ? `downloaded, and does not run: ${problem}` : { path }
  }
  return lastLine(result.stderr) || 'npx playwright-core install chromium failed'
}

function browsersDir(): string {
  return process.env['PLAYWRIGHT_BROWSERS_PATH'] || join(cacheDir(), 'browsers')
}

/** The path of playwright-core's own Chromium; its directory is read once, at import. */
function downloadedPath(): string {
  const path = chromium.executablePath()
  const folder = /chromium-\d+[/\\].*$/.exec(path)
  return folder ? join(browsersDir(), folder[0]) : path
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
