const WARN_AFTER_MS = 30_000

const MESSAGE =
  '@spanlink/kafka/register has seen no Kafka client being loaded, so nothing is traced. ' +
  'It sees packages that Node loads: in a bundle, make the client external (esbuild --external:kafkajs), ' +
  'or call traceKafkaJS and its like in the code.'

/**
 * Warns once when no Kafka client has been loaded after half a minute, or by the end of a shorter
 * process.
 */
export function warnUnlessLoaded(isAnyLoaded: () => boolean, warn: (message: string) => void): void {
  const check = (): void => {
    clearTimeout(timer)
    process.off('beforeExit', check)
    if (!isAnyLoaded()) warn(MESSAGE)
  }
  const timer = setTimeout(check, WARN_AFTER_MS)
  timer.unref()
  process.on('beforeExit', check)
}
