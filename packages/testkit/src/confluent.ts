import { ensureNativeAddon } from './native-addon.ts'

// `npm ci` runs no install scripts, so a machine without a compiler, or without GitHub, still
// installs. Provisioning makes the addons work where it can; where it can't, the tests of that
// client are skipped and say so.

/**
 * Makes `@confluentinc/kafka-javascript` loadable, or gives why it isn't. Nothing to do takes 0.1
 * s.
 */
export async function ensureConfluent(): Promise<string | undefined> {
  return await ensureNativeAddon({
    name: '@confluentinc/kafka-javascript',
    prebuilt: true,
    // Static linking would have its configure script download the sources of OpenSSL, curl and
    // more.
    env: { CKJS_LINKING: 'dynamic' },
  })
}

/** The same for `node-rdkafka`, whose releases carry nothing built. */
export async function ensureRdkafka(): Promise<string | undefined> {
  return await ensureNativeAddon({ name: 'node-rdkafka', prebuilt: false, env: {} })
}
