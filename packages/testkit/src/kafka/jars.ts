import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { aptInstall } from '../install/apt.ts'
import { cached, progress } from '../install/cache.ts'
import { command, type Finished } from '../process/command.ts'

/**
 * 4.4.0 on Maven Central lacks its `kafka-tools-api` and does not resolve (2026-11). 4.3.1 is the
 * newest complete release, and runs on Java 17.
 */
export const KAFKA_VERSION = '4.3.1'

/**
 * Without a binding slf4j drops the reason for a broker's exit. Kafka 4.3 is built against
 * slf4j-api 1.7.36.
 */
const SLF4J_VERSION = '1.7.36'

export interface KafkaJars {
  /** Path or name of the `java` program. */
  readonly java: string
  /** All jars, in the format of `-cp`. */
  readonly classpath: string
  /** `bootstrap.checkpoint` from `kafka-storage format`: all features at this release's level. */
  readonly bootstrapCheckpoint: string
  /** Java build identifier, safe in file names. */
  readonly javaBuild: string
}

/**
 * The broker's jars from the cache, downloaded by Maven on first use. Throws with the package to
 * install.
 */
export async function kafkaJars(): Promise<KafkaJars> {
  const { java, build } = await java17()
  const dir = await cached(`kafka-${KAFKA_VERSION}`, async (partial) => {
    progress(`fetching Apache Kafka ${KAFKA_VERSION} with Maven (44 MB, once)`)
    const started = Date.now()
    await fetchJars(partial)
    await formatStorage(java, join(partial, 'lib', '*'), partial)
    progress(`Apache Kafka ${KAFKA_VERSION} is ready, ${((Date.now() - started) / 1000).toFixed(1)} s`)
  })
  return {
    java,
    classpath: join(dir, 'lib', '*'),
    bootstrapCheckpoint: join(dir, 'bootstrap.checkpoint'),
    javaBuild: build.replaceAll(/[^\w.]+/g, '_'),
  }
}

interface Java {
  readonly java: string
  readonly build: string
}

async function java17(): Promise<Java> {
  const home = process.env['JAVA_HOME']
  const java = home ? join(home, 'bin', 'java') : 'java'
  const found = await findJava(java)
  if (typeof found === 'object') return found
  const apt = await aptInstall(['openjdk-17-jre-headless'], '45 MB')
  if (apt) throw new Error(`${found}; ${apt}`)
  const installed = await findJava(java)
  if (typeof installed === 'object') return installed
  throw new Error(installed)
}

/** Returns a message if this Java is missing or unsuitable. */
async function findJava(java: string): Promise<Java | string> {
  const { code, stderr } = await command(java, ['-version'])
  if (code === null) return `no Java (${java}), Kafka ${KAFKA_VERSION} needs 17 or newer`
  const major = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0)
  if (major < 17) return `${java} is Java ${major}, Kafka ${KAFKA_VERSION} needs 17 or newer`
  return { java, build: /\(build ([^,)]+)/.exec(stderr)?.[1] ?? `${major}` }
}

/**
 * Maven instead of plain downloads: it honours the user's settings, mirrors and proxies, and
 * verifies checksums.
 */
async function fetchJars(dir: string): Promise<void> {
  const pom = join(dir, 'pom.xml')
  await writeFile(pom, POM)
  let result = await copyDependencies(pom, join(dir, 'lib'))
  if (result.code === null) {
    const apt = await aptInstall(['maven'], '15 MB')
    if (apt) throw new Error(`no Maven (mvn) to fetch Apache Kafka with; ${apt}`)
    result = await copyDependencies(pom, join(dir, 'lib'))
  }
  if (result.code !== 0) {
    const output = result.stdout + result.stderr
    const reason = /ERROR\] (.*)/.exec(output)?.[1] ?? output.trim()
    throw new Error(`Maven could not fetch Apache Kafka ${KAFKA_VERSION}: ${reason}`)
  }
}

async function copyDependencies(pom: string, lib: string): Promise<Finished> {
  return await command('mvn', [
    '-B',
    '-q',
    '-ntp',
    '-f',
    pom,
    'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${lib}`,
  ])
}

/**
 * Writes `bootstrap.checkpoint` into a directory. It takes a JVM start (0.6 s), so brokers copy the
 * cached one and only generate their ids, unless they need SCRAM users.
 *
 * @param scram users, in the format of `kafka-storage format --add-scram`
 */
export async function formatStorage(
  java: string,
  classpath: string,
  dir: string,
  scram: readonly string[] = [],
): Promise<void> {
  const data = join(dir, 'template')
  const properties = join(dir, 'template.properties')
  await mkdir(data)
  await writeFile(
    properties,
    `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:9093
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
log.dirs=${data}
`,
  )
  const { code, stderr } = await command(java, [
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-cp',
    classpath,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    'AAAAAAAAAAAAAAAAAAAAAQ',
    '-c',
    properties,
    ...scram.flatMap((user) => ['--add-scram', user]),
  ])
  const written = await readdir(data)
  if (code !== 0 || !written.includes('bootstrap.checkpoint')) {
    throw new Error(`kafka.tools.StorageTool could not format a directory: ${stderr.trim()}`)
  }
  await rename(join(data, 'bootstrap.checkpoint'), join(dir, 'bootstrap.checkpoint'))
  await rm(data, { recursive: true })
  await rm(properties)
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.spanlink</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>${SLF4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`
