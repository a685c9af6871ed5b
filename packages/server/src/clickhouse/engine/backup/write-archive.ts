import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type Pack, pack } from 'tar-stream'
import type { LinkedFiles } from './link-files.ts'
import { MANIFEST, type ManifestFile } from './manifest.ts'

/**
 * A tar of the files with the manifest at its end.
 *
 * @param toManifest text of the manifest
 * @param onEnd called once, also when the reader leaves
 */
export function writeArchive(
  { directory, files }: LinkedFiles,
  toManifest: (files: readonly ManifestFile[]) => string,
  onEnd: () => void,
): Readable {
  const archive = pack()
  const write = async (): Promise<void> => {
    const written: ManifestFile[] = []
    for (const { name, size } of files) {
      const entry = archive.entry({ name, size, mode: 0o600 })
      const hash = createHash('sha256')
      for await (const chunk of createReadStream(join(directory, name))) {
        hash.update(chunk as Buffer)
        if (!entry.write(chunk) && !entry.destroyed) await waitForDrain(entry)
        if (archive.destroyed) return
      }
      entry.end(undefined)
      written.push({ name, size, sha256: hash.digest('hex') })
    }
    archive.entry({ name: MANIFEST, mode: 0o600 }, toManifest(written))
    archive.finalize()
  }
  void write()
    .catch((error: unknown) => archive.destroy(error as Error))
    .finally(onEnd)
  return Readable.from(archive as AsyncIterable<Buffer>, { objectMode: false })
}

/** Also resolves when the reader leaves, which destroys the entry. */
async function waitForDrain(entry: ReturnType<Pack['entry']>): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      entry.off('drain', done)
      entry.off('close', done)
      resolve()
    }
    entry.on('drain', done)
    entry.on('close', done)
  })
}
