// Helm and the schemas of Kubernetes, from Go modules.
import { cp, mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cached, progress } from '../../packages/testkit/src/install/cache.ts'
import { command } from '../../packages/testkit/src/process/command.ts'
import { SkippedError } from './checks.ts'

const HELM = 'helm.sh/helm/v3/cmd/helm@v3.22.0'
const VALIDATOR = 'sigs.k8s.io/kubectl-validate@v0.0.4'
const KUBERNETES = 'k8s.io/kubernetes@v1.37.2'
const PROMETHEUS_OPERATOR = 'github.com/prometheus-operator/prometheus-operator@v0.85.0'

export type Tools = {
  readonly helm: string
  readonly validator: string
  /** OpenAPI of the newest Kubernetes; the validator has those of older ones. */
  readonly newestSchemas: string
  readonly customResources: string
}

/** @throws SkippedError without Go, or if it can't fetch a module */
export async function installTools(): Promise<Tools> {
  if ((await command('go', ['version'])).code !== 0) throw new SkippedError('needs Go: https://go.dev/dl')
  try {
    return await fetchTools()
  } catch (error) {
    throw new SkippedError(`Go could not fetch or build the tools: ${(error as Error).message.slice(0, 500)}`)
  }
}

async function fetchTools(): Promise<Tools> {
  const binaries = await cached(`deploy-tools-${versionsOf(HELM, VALIDATOR)}`, async (target) => {
    progress('building helm and kubectl-validate (2 minutes, once)')
    for (const tool of [HELM, VALIDATOR]) await run('go', ['install', tool], { ...process.env, GOBIN: target })
  })
  const newestSchemas = await cached(`deploy-schemas-${versionsOf(KUBERNETES)}`, copySchemas)
  return {
    helm: join(binaries, 'helm'),
    validator: join(binaries, 'kubectl-validate'),
    newestSchemas,
    customResources: join(await downloadModule(PROMETHEUS_OPERATOR), 'example/prometheus-operator-crd'),
  }
}

/** @throws an Error with the program's output unless it exits with 0 */
export async function run(program: string, args: readonly string[], env = process.env): Promise<string> {
  const { code, stdout, stderr } = await command(program, args, { env })
  if (code !== 0) throw new Error(`${program} ${args[0]} exited with ${code}: ${stdout}${stderr}`)
  return stdout
}

/** From `apis__apps__v1_openapi.json` to `apis/apps/v1.json`, as the validator reads them. */
async function copySchemas(target: string): Promise<void> {
  progress(`fetching ${KUBERNETES} (once)`)
  const source = join(await downloadModule(KUBERNETES), 'api/openapi-spec/v3')
  for (const name of await readdir(source)) {
    const path = /^(api__v1|apis__[^_]+__[^_]+)_openapi\.json$/.exec(name)?.[1]?.replaceAll('__', '/')
    if (path === undefined) continue
    const file = join(target, `${path}.json`)
    await mkdir(dirname(file), { recursive: true })
    await cp(join(source, name), file)
  }
}

async function downloadModule(module: string): Promise<string> {
  const { Dir } = JSON.parse(await run('go', ['mod', 'download', '-json', module])) as { readonly Dir: string }
  return Dir
}

function versionsOf(...modules: readonly string[]): string {
  return modules.map((module) => module.split('@')[1]).join('-')
}
