// npm run release:version -- 0.2.0: the version in every file, and the section of CHANGELOG.md.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { addRelease } from './changelog.ts'
import { ROOT, VERSION_PATTERN, writeVersion } from './versions.ts'

const [version = ''] = process.argv.slice(2)
try {
  if (!VERSION_PATTERN.test(version))
    throw new Error(`expected a version such as 0.2.0, not ${JSON.stringify(version)}`)
  const path = `${ROOT}CHANGELOG.md`
  const changelog = addRelease(readFileSync(path, 'utf8'), version, new Date().toISOString().slice(0, 10))
  writeVersion(version)
  writeFileSync(path, changelog)
  const { status } = spawnSync('npm', ['install', '--package-lock-only', '--no-audit', '--no-fund'], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error('npm install did not update package-lock.json')
  process.stdout.write(
    `Set to ${version}. Run npm run release:dry, commit "build: release ${version}", tag v${version}.\n`,
  )
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exit(1)
}
