import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults, Result, RunOptions } from 'axe-core'
import type { Page } from './site.ts'

const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const EVERY_RULE: RunOptions = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] }
/** Themes differ in colors only. */
const COLOR_RULES: RunOptions = { runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } }

/**
 * Returns the violations that axe reports in the light and the dark theme. The script is injected
 * by the debugger, because the content security policy of the page blocks it.
 */
export async function findViolations(page: Page): Promise<string[]> {
  await page.evaluate(await axe)
  const light = await runAxe(page, EVERY_RULE)
  await page.emulateMedia({ colorScheme: 'dark' })
  const dark = await runAxe(page, COLOR_RULES)
  await page.emulateMedia({ colorScheme: 'light' })
  return [...light, ...dark.map((violation) => `in the dark theme: ${violation}`)]
}

async function runAxe(page: Page, options: RunOptions): Promise<string[]> {
  // Only violations leave the page, without selectors: that takes half the CPU time of all results.
  const results: readonly Result[] = await page.evaluate(
    async (options) => {
      const { axe } = globalThis as unknown as {
        axe: { run: (context: Document, options: RunOptions) => Promise<AxeResults> }
      }
      return (await axe.run(document, options)).violations
    },
    { ...options, resultTypes: ['violations'], selectors: false } satisfies RunOptions,
  )
  return results.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ''}`).join(' | ')}`,
  )
}
