// CHANGELOG.md: "## Unreleased", then one section per release, newest first: "## 1.2.3 - 2027-01-31".

export type ReleaseSection = {
  readonly version: string
  /** Year-month-day. */
  readonly date: string
  /** Markdown without the heading. */
  readonly notes: string
}

const HEADING = /^## (.*)$/m

/** @throws if a heading is neither "Unreleased" nor a version with its date */
export function parseChangelog(text: string): {
  readonly unreleased: string
  readonly releases: readonly ReleaseSection[]
} {
  const [, first, unreleased = '', ...rest] = text.split(HEADING)
  if (first !== 'Unreleased') throw new Error('the first section is not "## Unreleased"')
  const releases: ReleaseSection[] = []
  for (let i = 0; i < rest.length; i += 2) {
    const [heading = '', notes = ''] = rest.slice(i, i + 2)
    const match = /^(\d+\.\d+\.\d+\S*) - (\d{4}-\d\d-\d\d)$/.exec(heading)
    if (match === null) throw new Error(`"## ${heading}" is not a version and its date: "## 1.2.3 - 2027-01-31"`)
    const [, version = '', date = ''] = match
    releases.push({ version, date, notes: notes.trim() })
  }
  return { unreleased: unreleased.trim(), releases }
}

/**
 * Moves everything unreleased below a heading for the version.
 *
 * @throws if the version has a section already, or nothing is unreleased
 */
export function addRelease(text: string, version: string, date: string): string {
  const { unreleased, releases } = parseChangelog(text)
  if (releases.some((release) => release.version === version)) throw new Error(`${version} has a section already`)
  if (unreleased === '') throw new Error('nothing is unreleased')
  return text.replace('## Unreleased\n', `## Unreleased\n\n## ${version} - ${date}\n`)
}
