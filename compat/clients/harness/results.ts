import { AssertionError } from 'node:assert/strict'

type Outcome = { readonly client: string; readonly check: string; readonly failure: string | undefined }

/** Outcomes of all checks, and the table of figures that is printed at the end. */
export class Results {
  readonly #outcomes: Outcome[] = []
  readonly #skipped: string[] = []
  readonly #figures = new Map<string, Record<string, string>>()

  /** Runs a check; a failure is printed at once and the other checks continue. */
  async check(client: string, check: string, run: () => unknown): Promise<void> {
    let failure: string | undefined
    try {
      await run()
    } catch (error) {
      failure = error instanceof AssertionError ? error.message : String((error as Error).stack ?? error)
      process.stdout.write(`FAIL  ${client}: ${check}\n${failure.replace(/^/gm, '        ')}\n`)
    }
    this.#outcomes.push({ client, check, failure })
  }

  skip(client: string, reason: string): void {
    process.stdout.write(`SKIP  ${client}: ${reason}\n`)
    this.#skipped.push(client)
  }

  figure(client: string, column: string, value: number | string): void {
    const figures = this.#figures.get(client) ?? {}
    figures[column] = String(value)
    this.#figures.set(client, figures)
  }

  /** Prints the table and the closing line; returns the exit code. */
  print(): number {
    const failed = this.#outcomes.filter(({ failure }) => failure !== undefined)
    for (const [client, figures] of this.#figures) {
      figures['failed'] = String(failed.filter((one) => one.client === client).length)
    }
    if (this.#figures.size > 0) process.stdout.write(`\n${formatTable(this.#figures)}\n`)
    const passed = this.#outcomes.length - failed.length
    process.stdout.write(`${passed} passed, ${failed.length} failed, ${this.#skipped.length} skipped\n`)
    return failed.length > 0 ? 1 : 0
  }
}

function formatTable(rows: ReadonlyMap<string, Readonly<Record<string, string>>>): string {
  const columns = [...new Set([...rows.values()].flatMap(Object.keys))]
  const lines = [
    ['client', ...columns],
    ...[...rows].map(([client, row]) => [client, ...columns.map((c) => row[c] ?? '')]),
  ]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
