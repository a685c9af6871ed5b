const WARN_AFTER_MS = 30_000

const MESSAGE =
  'No Kafka client was loaded, so no messages are traced. @spanlink/kafka patches packages that Node loads: ' +
  'in a bundle, make the client external (esbuild --external:kafkajs), ' +
  'or call traceKafkaJS, traceConfluent, traceRdkafka or tracePlatformatic in the code.'

/** Warns if no Kafka client is loaded within 30 s, or before a shorter process ends. */
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
