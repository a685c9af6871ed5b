import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cached, progress } from '../install/cache.ts'
import { KAFKA_VERSION, type KafkaJars } from './jars.ts'
import { startKafkaJvm } from './jvm.ts'
import { createTopic } from './topic.ts'

/**
 * JVM arguments that load the broker's classes from an archive (CDS). A start takes 1.3 s of CPU
 * time with it, 2.9 s without. Empty if this Java cannot write one.
 */
export async function classArchiveArguments(jars: KafkaJars): Promise<string[]> {
  const directory = await cached(`kafka-${KAFKA_VERSION}-classes-${jars.javaBuild}`, async (partial) => {
    progress('archiving the classes of Apache Kafka (once)')
    await writeArchive(jars, join(partial, ARCHIVE))
  })
  const archive = join(directory, ARCHIVE)
  return existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : []
}

const ARCHIVE = 'classes.jsa'

/** Java writes the archive on an orderly exit. */
async function writeArchive(jars: KafkaJars, archive: string): Promise<void> {
  const settings = { properties: {}, heapMegabytes: 256, timeout: 120_000, tls: false }
  const broker = await startKafkaJvm(jars, settings, [`-XX:ArchiveClassesAtExit=${archive}`])
  try {
    await createTopic([broker.broker], 'topic', 1)
    process.kill(broker.process.pid, 'SIGTERM')
    await broker.process.ended()
  } finally {
    await broker.end()
  }
}
