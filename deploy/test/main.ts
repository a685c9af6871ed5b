// npm run test:deploy: the chart, the image and compose.yaml, as far as this machine can check them.
import { readFile } from 'node:fs/promises'
import { check, reportCounts, SkippedError } from './checks.ts'
import { checkChart } from './chart.ts'
import { checkImage } from './image.ts'
import { command } from '../../packages/testkit/src/process/command.ts'
import { run } from './tools.ts'

await checkChart()
await checkImage()
await check('docker accepts compose.yaml', async () => {
  if ((await command('docker', ['compose', 'version'])).code !== 0) throw new SkippedError('needs docker compose')
  await run('docker', ['compose', '--file', 'compose.yaml', 'config', '--quiet'])
})
await check('docker builds the image', async () => {
  if ((await command('docker', ['info'])).code !== 0) throw new SkippedError('needs a running Docker engine')
  await run('docker', ['build', '--tag', 'spanlink/spanlink:test', '.'])
})
await check('every file that the Dockerfile names is in the build context', async () => {
  const ignored = await readFile('.dockerignore', 'utf8')
  for (const name of ['packages', 'scripts', 'examples', 'deploy/image', 'package-lock.json']) {
    if (!ignored.includes(`!${name}\n`)) throw new Error(`.dockerignore leaves out ${name}`)
  }
})
process.exitCode = reportCounts() ? 0 : 1
