import { createHash } from 'node:crypto'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached, progress } from '../../../packages/testkit/src/install/cache.ts'
import { command } from '../../../packages/testkit/src/process/command.ts'

/** A toolchain that this machine does not have: the client is skipped. */
export class MissingToolchainError extends Error {}

/** Builds the Go program in a folder; returns the binary in the cache. */
export async function buildGo(folder: string): Promise<string> {
  await requireProgram('go', ['version'], 'install Go 1.26 or newer (https://go.dev/dl)')
  const source = sourceDirectory(folder)
  const built = await cached(`compat-${folder}-${await hashOf(source)}`, async (target) => {
    progress(`building compat/clients/${folder} (once)`)
    await run('go', ['build', '-o', join(target, folder), '.'], source)
  })
  return join(built, folder)
}

/**
 * Fetches the dependencies of the Java program and compiles it; returns the folder with `lib` and
 * `classes`.
 */
export async function buildJava(folder: string): Promise<string> {
  const advice = 'install a JDK of Java 17 or newer and Maven (apt-get install openjdk-17-jdk-headless maven)'
  await requireProgram('javac', ['-version'], advice)
  await requireProgram('mvn', ['--version'], advice)
  const source = sourceDirectory(folder)
  return await cached(`compat-${folder}-${await hashOf(source)}`, async (target) => {
    progress(`building compat/clients/${folder} (40 MB, once)`)
    const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
    const lib = join(target, 'lib')
    // Without versions in the names of the jars, so that the agent is found by its name.
    await run('mvn', ['-B', '-q', '-ntp', copy, '-Dmdep.stripVersion=true', `-DoutputDirectory=${lib}`], source)
    const main = join(source, 'src/main/java/compat/Main.java')
    await run('javac', ['--release', '17', '-cp', join(lib, '*'), '-d', join(target, 'classes'), main], source)
  })
}

/**
 * Installs the requirements of the Python program in a virtual environment; returns its
 * interpreter.
 */
export async function installPython(folder: string): Promise<string> {
  await requireProgram('python3', ['-c', 'import ensurepip, venv'], 'install Python 3.10 or newer with its venv module')
  const source = sourceDirectory(folder)
  const environment = await cached(`compat-${folder}-${await hashOf(source, 'requirements.txt')}`, async (target) => {
    progress(`installing the requirements of compat/clients/${folder} (once)`)
    await run('python3', ['-m', 'venv', target], source)
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt']
    await run(join(target, 'bin/python'), install, source)
  })
  return join(environment, 'bin/python')
}

async function requireProgram(program: string, args: readonly string[], advice: string): Promise<void> {
  const { code } = await command(program, args)
  if (code !== 0) throw new MissingToolchainError(`no ${program}: ${advice}`)
}

async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, stdout, stderr } = await command(program, args, { cwd })
  if (code === 0) return
  const output = (stdout + stderr).trim().split('\n').slice(-20).join('\n')
  throw new Error(`${program} ${args.join(' ')} failed in ${cwd}:\n${output}`)
}

function sourceDirectory(folder: string): string {
  return fileURLToPath(new URL(`../${folder}`, import.meta.url))
}

/** Of the files, so that the cache is rebuilt when one of them changes. */
async function hashOf(directory: string, pattern = '**/*'): Promise<string> {
  const files: string[] = []
  for await (const entry of glob(pattern, { cwd: directory, withFileTypes: true })) {
    if (entry.isFile()) files.push(join(entry.parentPath, entry.name))
  }
  const hash = createHash('sha256').update(process.arch)
  for (const file of files.sort()) hash.update(file.slice(directory.length)).update(await readFile(file))
  return hash.digest('hex').slice(0, 16)
}
